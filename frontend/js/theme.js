// <input type="radio" data-theme-choice value="light|dark|system">: shows the theme at once; saving it is the form's work.
import { on } from "./dom.js";

on("change", "[data-theme-choice]", ({ value }) => {
  if (value === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = value;
});
