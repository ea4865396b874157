/* The page's state, which wa-js (or its stand-in, wpp.js) finds as `window.StandIn`. */

import { WPPError } from "./errors.js";
import { call } from "./net.js";
import { draw } from "./screen.js";
import { MsgKey, Wid } from "./wids.js";

const listeners = new Map(); // name → functions

export const app = {
	Wid,
	MsgKey,
	WPPError,
	call,
	modules: {}, // what wa-js's functions do, by its names
	missing: [], // functions of wa-js that a misbehaviour takes away
	mode: "OFFLINE",
	info: "OPENING",
	online: true,
	needsUpdate: false,
	isIdle: false,
	isLinked: false,
	isMainLoaded: false,
	ref: null, // the AuthCode that is shown
	pairing: null, // the pairing code that is shown
	me: null,
	store: null,
	linking: null,
	emitted: [], // events of wa-js that the server has still to be told
	on(name, listener) {
		listeners.set(name, [...(listeners.get(name) ?? []), listener]);
	},
	say(name, ...values) {
		for (const listener of listeners.get(name) ?? []) listener(...values);
		draw(app);
	},
	pull: () => {},
};
