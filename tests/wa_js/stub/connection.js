// Linking, the stream to WhatsApp's servers, and who we are.

import { define, live } from "./loader.js";
import { createWid } from "./ids.js";
import { Emitter, Model } from "./models.js";

// At least the version from which wa-js calls sendSeen with an object.
const VERSION = "2.3000.1048032155";

export const ME = {
	pn: "966500000001@c.us",
	lid: "77000000000001@lid",
	name: "Najd Trading",
	platform: "android",
};

class ConnImpl extends Model {}
class StreamImpl extends Model {
	markAvailable() {
		told.push("available");
	}

	markUnavailable() {
		told.push("unavailable");
	}
}
class SocketImpl extends Model {
	logout() {
		setTimeout(() => endLink("user_initiated"));
	}
}
class CmdImpl extends Emitter {
	isMainLoaded = false;

	refreshQR() {
		showCode();
	}
}
class NetworkStatusImpl extends Model {
	checkOnline() {}
}
class BackendEventBusImpl extends Emitter {}

export const Conn = new ConnImpl({ ref: undefined, connected: false, platform: undefined });
export const Stream = new StreamImpl({ mode: "QR", info: "OPENING", needsUpdate: false });
export const Socket = new SocketImpl({ state: "UNPAIRED" });
export const Cmd = new CmdImpl();
export const NetworkStatus = new NetworkStatusImpl({ online: true });
export const BackendEventBus = new BackendEventBusImpl();
export const LinkDeviceEvents = new Emitter();

/** What our side told the servers, beside messages: presence, read receipts. */
export const told = [];

let isLinked = false;
let codes = 0;

/** A new code to scan; WhatsApp does this by itself about every 20 seconds. */
export function showCode(ref = `ref-${++codes}`) {
	Stream.mode = "QR";
	Socket.state = "UNPAIRED";
	Conn.ref = ref;
}

/** WhatsApp stops making codes after some minutes. */
export function stopCodes() {
	Conn.ref = undefined;
	Socket.state = "UNPAIRED_IDLE";
}

function enter() {
	isLinked = true;
	Object.assign(Conn, { ref: undefined, connected: true, platform: ME.platform });
	Socket.state = "CONNECTED";
	Cmd.isMainLoaded = true;
}

/** The page of a device that was linked before. */
export function bootLinked() {
	enter();
	Object.assign(Stream, { mode: "MAIN", info: "NORMAL" });
}

/** The phone scans the code, or its owner types the pairing code. A reload stays linked. */
export function scan() {
	history.replaceState(null, "", "?linked");
	Object.assign(Stream, { mode: "SYNCING", info: "PAIRING" });
	enter();
	Cmd.trigger("main_loaded");
	BackendEventBus.trigger("main_stream_mode_ready");
	Object.assign(Stream, { mode: "MAIN", info: "NORMAL" });
}

/** The link ends, on whichever side. A reload stays unlinked. */
export function endLink(reason) {
	history.replaceState(null, "", location.pathname);
	isLinked = false;
	Conn.connected = false;
	live("WAWebLogoutReason").getErrorCodeFromLogoutReason(reason);
	BackendEventBus.trigger("starting_logout");
	Cmd.trigger("logout");
	Object.assign(Stream, { mode: "QR", info: "OPENING" });
	Socket.state = "UNPAIRED";
}

export const myPn = () => (isLinked ? createWid(ME.pn) : undefined);
export const myLid = () => (isLinked ? createWid(ME.lid) : undefined);

function getMeLidUserOrThrow() {
	if (!isLinked) throw new Error("getMeLidUserOrThrow: no LID");
	return myLid();
}

/** Pairing codes differ for each request, so that a refresh shows. */
let pairings = 0;

async function genLinkDeviceCodeForPhoneNumber(phone, pushNotification) {
	told.push(`pairing ${phone} ${pushNotification}`);
	if (!/^\d{8,15}$/.test(phone)) throw new Error("IQErrorBadRequest");
	return `ABCD000${++pairings}`;
}

const key = (letter) => ({ pubKey: new TextEncoder().encode(letter.repeat(32)) });

define("WAWebConnModel", { Conn, ConnImpl });
define("WAWebStreamModel", { Stream });
define("WAWebSocketModel", { Socket });
define("WAWebCmd", { Cmd, CmdImpl });
define("WAWebNetworkStatus", { default: NetworkStatus });
define("WAWebBackendEventBus", { BackendEventBus, BackendEvent: { LOGOUT: "logout" } });
define("WAWebLinkDeviceEvents", { WAWebLinkDeviceEvents: LinkDeviceEvents });
define("WAWebAltDeviceLinking", { genLinkDeviceCodeForPhoneNumber, initializeAltDeviceLinking: async () => {} });
define("WAWebUserPrefsMultiDevice", { isRegistered: () => isLinked });
define("WAWebCoreLoginState", { isLoggedIn: () => isLinked });
define("WAWebUserPrefsMeUser", {
	getMaybeMePnUser: myPn,
	getMaybeMeLidUser: myLid,
	getMePnUserOrThrow: myPn,
	getMeLidUserOrThrow,
});
define("WAWebUserPrefsGeneral", {
	getPushname: () => ME.name,
	setBrowserId() {},
	getUserPrivacySettings: () => ({}),
});
define("WAWebLogoutReason", {
	LogoutReason: { UserInitiated: "user_initiated" },
	LOGOUT_REASON_CODE: { CLIENT_FATAL: "0" },
	getErrorCodeFromLogoutReason: () => null,
	setPrevLogoutReasonCode() {},
	setPrevCustomLogoutMessage() {},
	getPrevLogoutReasonCode: () => null,
	getPrevCustomLogoutMessage: () => null,
});
define("WAWebSignalStoreApi", {
	waSignalStore: { getRegistrationInfo: async () => ({ identityKeyPair: key("i") }) },
});
define("WAWebUserPrefsInfoStore", { waNoiseInfo: { get: async () => ({ staticKeyPair: key("s") }) } });
define("WAWebAdvSignatureApi", { getADVSecretKey: () => "secret", setADVSignedIdentity() {} });
define("WABase64", {
	encodeB64: (bytes) => btoa(String.fromCharCode(...bytes)),
	decodeB64: (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)),
});
define("WAWebBuildConstants", { SANITIZED_VERSION_STR: VERSION });
define("WAWebIsOfficialClient", { isOfficialClient: false });
define("WAWebSocketConstants", {
	SOCKET_STATE: { UNPAIRED: "UNPAIRED", UNPAIRED_IDLE: "UNPAIRED_IDLE", CONNECTED: "CONNECTED" },
	SOCKET_STREAM: {},
	WATCHED_SOCKET_STATE: {},
});
