// A stand-in of WhatsApp Web's own modules, as far as wa-js 4.6.0 reaches into them for what our bridge does. The
// export names and shapes are those that wa-js looks for; what the functions do is our guess of WhatsApp, good enough
// to prove that wa-js and our bridge fit together, and proof of nothing about WhatsApp itself.
//
// A page at ?linked opens as the page of a linked device. window.stub has the controls (stub/controls.js).
// Messages outlive a reload of the tab, as they do in WhatsApp's storage.

import "./stub/bystanders.js";
import "./stub/connection.js";
import "./stub/contacts.js";
import "./stub/media.js";
import "./stub/messages.js";
import { controls } from "./stub/controls.js";
import { bootLinked } from "./stub/connection.js";
import { openLoader } from "./stub/loader.js";
import { restore } from "./stub/messages.js";

restore();
if (new URLSearchParams(location.search).has("linked")) bootLinked();
window.stub = controls;
openLoader();
