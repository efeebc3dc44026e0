// Builds everything the browser loads: `node build.mjs OUT`. Hatchling runs it through hatch_build.py.
//
// 1. bundle css/app.css and js/app.js and draw the icons, each under a name that holds its hash, so that the server may say
//    "immutable";
// 2. write the web app manifest and bundle js/sw.js, which know those names and keep their own;
// 3. write manifest.json, {logical name: hashed name}, which kaksha.core.html reads.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import * as esbuild from "esbuild";
import { png } from "./icons.mjs";

const out = process.argv[2];
if (!out) throw new Error("usage: node build.mjs OUT");
mkdirSync(out, { recursive: true });

const names = {};

function write(logical, content) {
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 10);
  const type = extname(logical);
  names[logical] = `${logical.slice(0, -type.length)}.${hash}${type}`;
  writeFileSync(join(out, names[logical]), content);
  return `/static/${names[logical]}`;
}

/**
 * Phones whose browser stopped before light-dark() (Chrome 123) get the light theme, rather than no colours at all: the
 * tokens once with the light values for everyone, then as written for those who understand them.
 */
const lightFirst = {
  name: "light-first",
  setup: ({ onLoad }) =>
    onLoad({ filter: /tokens\.css$/ }, ({ path }) => {
      const tokens = readFileSync(path, "utf8");
      const light = tokens.replace(/light-dark\(([^,()]+),[^()]+\)/g, "$1").replace(/color-scheme: light dark/, "color-scheme: light");
      return { contents: `${light}\n@supports (color: light-dark(#000, #fff)) {\n${tokens}\n}`, loader: "css" };
    }),
};

async function bundle(entry, options = {}) {
  const result = await esbuild.build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    target: ["chrome111", "firefox121", "safari16.4"],
    legalComments: "none",
    logLevel: "warning",
    ...options,
  });
  return result.outputFiles[0].contents;
}

const drawing = readFileSync("icon.svg", "utf8");
const icon = (logical, size, square) => ({ src: write(logical, png(drawing, size, square)), sizes: `${size}x${size}`, type: "image/png" });

write("app.css", await bundle("css/app.css", { plugins: [lightFirst] }));
write("app.js", await bundle("js/app.js"));
write("icon.svg", drawing);
icon("apple-touch-icon.png", 180, true);

// Its address stays too: it is how a phone knows an installed app again.
writeFileSync(
  join(out, "manifest.webmanifest"),
  JSON.stringify({
    id: "/",
    name: "Kaksha",
    short_name: "Kaksha",
    description: "Classes, work, doubts and fees of your coaching institute",
    start_url: "/home",
    scope: "/",
    display: "standalone",
    background_color: "#faf8f4",
    theme_color: "#0b6660",
    icons: [
      icon("icon-192.png", 192, false),
      icon("icon-512.png", 512, false),
      { ...icon("icon-maskable-512.png", 512, true), purpose: "maskable" },
    ],
  }),
);

const kept = ["app.css", "app.js", "icon.svg"].map((logical) => `/static/${names[logical]}`);
const version = createHash("sha256").update(kept.join()).digest("hex").slice(0, 10);
const define = { ASSETS: JSON.stringify(kept), VERSION: JSON.stringify(version), ICON: JSON.stringify(`/static/${names["icon-192.png"]}`) };
writeFileSync(join(out, "sw.js"), await bundle("js/sw.js", { format: "iife", define }));

writeFileSync(join(out, "manifest.json"), JSON.stringify(names, null, 2) + "\n");
