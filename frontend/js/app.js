// What the pages gain when scripts run. Every page works without any of it: forms post, links go, the server answers in HTML.
import "htmx.org/dist/htmx.esm.js";
import "./upload.js"; // before all that imports forms.js: it holds a form back whose files are still on their way
import "./attendance.js";
import "./copy.js";
import "./forms.js";
import "./network.js";
import "./passkey.js";
import "./push.js";
import "./theme.js";
import "./worker.js";
