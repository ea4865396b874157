/* A stand-in of wa-js 4.6.0: the same names, shapes, errors and traps, over `window.StandIn` (app.js) instead of
 * WhatsApp's modules. Injected before the page's own scripts, like the real bundle; all of it is there at once, and
 * most of it throws a TypeError until the page is. */
(() => {
	"use strict";
	if (window !== window.top || window.WPP) return;

	const CODE_REFRESHES = 5;
	const app = () => window.StandIn;

	/* ---------------------------------------------------------------- events */

	const listeners = new Map(); // name → [{listener, isOnce}]

	function add(name, listener, isOnce) {
		listeners.set(name, [...(listeners.get(name) ?? []), { listener, isOnce }]);
		return { emitter: WPP, event: name, listener, off: () => off(name, listener) };
	}

	function off(name, listener) {
		listeners.set(name, (listeners.get(name) ?? []).filter((row) => row.listener !== listener));
		return WPP;
	}

	/* A listener that throws keeps the ones behind it from being called, as in the real one. */
	function emit(name, ...values) {
		note(name, values[0]);
		for (const row of listeners.get(name) ?? []) {
			if (row.isOnce) off(name, row.listener);
			row.listener.apply(WPP, values);
		}
	}

	const emitSoon = (name, ...values) => queueMicrotask(() => emit(name, ...values));
	const waitFor = (name) => new Promise((resolve) => add(name, (...values) => resolve(values), true));

	/* When an event about a message was emitted, for the server's `emitted` of that message. */
	function note(event, value) {
		const keys = value?.ids ?? [value?.refId ?? value?.msgId ?? value?.msg?.id ?? value?.id];
		for (const key of event.startsWith("chat.") ? keys : []) {
			if (key?.remote) app().emitted.push({ event, id: key.id, ack: value.ack ?? null, at: Date.now() });
		}
		if (event.startsWith("chat.")) setTimeout(() => app().pull(), 50);
	}

	/* ---------------------------------------------------------------- loading */

	const leaks = [];
	if (window.WPPConfig?.disableGoogleAnalytics !== true) leaks.push("google_analytics");
	if (!Array.isArray(window.WPPConfig?.linkPreviewApiServers) || window.WPPConfig.linkPreviewApiServers.length) {
		leaks.push("link_preview_servers");
	}
	if (window.WPPConfig?.deviceName) leaks.push("device_name");
	for (const what of leaks) {
		fetch("/web/leak", { method: "POST", body: JSON.stringify({ what, url: location.href }) }).catch(() => {});
	}

	let wasAuthenticated = false;
	let isMainReady = false;
	let unreadTimer;

	function inject(page) {
		WPP.isInjected = true;
		try {
			emit("loader.injected");
		} catch (error) {
			console.error(error); // the real loader never gets ready after this either
			return;
		}
		for (const name of page.missing) {
			const [room, what] = name.split(".");
			delete WPP[room][what];
		}
		wasAuthenticated = page.isLinked;
		follow(page);
		emit("conn.main_init");
		emit("conn.auth_code_change", null);
		WPP.isReady = true;
		emit("loader.ready");
	}

	function becomeReady(mode) {
		if (isMainReady || !["MAIN", "QR"].includes(mode)) return; // on the QR screen too
		isMainReady = true;
		emit("conn.main_ready");
		WPP.isFullReady = true;
		followMessages(app());
		emit("loader.full_ready");
	}

	function follow(page) {
		page.on("info", (info) => emit("conn.stream_info_changed", info));
		page.on("mode", (mode) => {
			emit("conn.stream_mode_changed", mode);
			becomeReady(mode);
		});
		page.on("ref", async () => emit("conn.auth_code_change", await conn.getAuthCode()));
		page.on("idle", () => emit("conn.qrcode_idle"));
		page.on("unpaired", () => emit("conn.require_auth"));
		page.on("main_loaded", () => {
			emit("conn.main_loaded");
			if (!wasAuthenticated) emit("conn.authenticated"); // not for who was linked when the page was loaded
			cancelLinkDeviceCode();
		});
		page.on("logout", () => {
			wasAuthenticated = false;
			emit("conn.logout");
		});
		page.on("logout_reason", (reason) => emit("conn.logout_reason", reason));
		page.on("backend", (name) => emit("conn.backend_event", name));
		page.on("needs_update", () => emit("conn.needs_update"));
		page.on("online", (online) => emit("conn.online", online));
		page.on("message", (message) => emitSoon("chat.new_message", message));
		page.on("unread", (chat, previousUnreadCount) => {
			clearTimeout(unreadTimer);
			const event = { chat, unreadCount: chat.unreadCount, previousUnreadCount };
			unreadTimer = setTimeout(() => emit("chat.unread_count_changed", event), 50);
		});
		page.on("revoke", tellRevoke);
	}

	function followMessages(page) {
		page.on("ack", tellAck);
		page.on("edit", (msg) => emitSoon("chat.msg_edited", { chat: msg.to, id: msg.id.toString(), msg }));
		page.on("reaction", (message, item) => {
			const { MsgKey, Wid } = page;
			emitSoon("chat.new_reaction", {
				id: new MsgKey({ fromMe: item.from_me, remote: message.id.remote, id: item.reaction }),
				msgId: message.id,
				reactionText: item.emoji,
				read: false,
				sender: new Wid(item.sender),
				orphan: 0,
				orphanReason: null,
				timestamp: item.t,
			});
		});
	}

	/* "Sent" comes with the message's own key, receipts with one that may name the LID or who read it in a group. */
	function tellAck(message, { ack, remote, participant }) {
		if (ack < 1) return;
		if (ack === 1) {
			emitSoon("chat.msg_ack_change", { ack, chat: message.to, ids: [message.id] });
			return;
		}
		const { MsgKey, Wid } = app();
		const chat = new Wid(remote);
		const sender = participant ? new Wid(participant) : undefined;
		const key = new MsgKey({ id: message.id.id, remote: chat, fromMe: true, participant: sender });
		emitSoon("chat.msg_ack_change", { ack, chat, sender, ids: [key] });
	}

	function tellRevoke(message, item) {
		const { MsgKey, Wid } = app();
		const { fromMe, remote, participant } = message.id;
		emitSoon("chat.msg_revoke", {
			author: item.author ? new Wid(item.author) : undefined,
			from: message.from,
			id: new MsgKey({ fromMe, remote, id: item.revoke, participant }),
			refId: message.id,
			to: message.to,
			type: "sender_revoke",
		});
	}

	/* ---------------------------------------------------------------- the connection */

	const link = { phone: null, code: null, refreshes: 0, timer: null };

	async function fetchCode() {
		const { code, seconds } = await app().linking.pairingCode(link.phone);
		link.code = app().pairing = code;
		clearTimeout(link.timer);
		link.timer = setTimeout(renewCode, seconds * 1000);
		app().say("pairing");
		emit("conn.link_code_change", code);
		return code;
	}

	function renewCode() {
		if (link.refreshes >= CODE_REFRESHES) {
			link.code = app().pairing = null;
			app().say("pairing");
			emit("conn.link_code_expired");
			return;
		}
		link.refreshes++;
		refreshLinkDeviceCode().catch(() => {});
	}

	async function startLinkDeviceCodeForPhoneNumber(phone) {
		if (link.phone === phone && link.code) return link.code;
		cancelLinkDeviceCode();
		try {
			requirePhone(phone);
			link.phone = phone;
			return await fetchCode();
		} catch (error) {
			emit("conn.link_code_error", error);
			throw error;
		}
	}

	function requirePhone(phone) {
		const { WPPError } = app();
		if (!phone || typeof phone !== "string") {
			throw new WPPError("send_the_phone_number_to_connect", "Can't get code for without phone number param");
		}
		if (conn.isAuthenticated()) {
			throw new WPPError("cannot_get_code_for_already_authenticated", "Can't get code for already authenticated user");
		}
	}

	async function refreshLinkDeviceCode() {
		if (!link.phone) throw new Error("No phone linking flow is active");
		return fetchCode();
	}

	function cancelLinkDeviceCode() {
		clearTimeout(link.timer);
		Object.assign(link, { phone: null, code: null, refreshes: 0 });
		if (app()) app().pairing = null;
	}

	const myWid = () => (app().me ? new (app().Wid)(app().me.pn) : undefined);

	const conn = {
		getAuthCode: async () => (!app().ref || app().isLinked ? null : { ...app().ref }),
		async refreshQR() {
			if (conn.isAuthenticated()) return null;
			const next = waitFor("conn.auth_code_change");
			await app().refreshCodes();
			return (await next)[0];
		},
		async genLinkDeviceCodeForPhoneNumber(phone) {
			requirePhone(phone);
			return (await app().linking.pairingCode(phone)).code;
		},
		startLinkDeviceCodeForPhoneNumber,
		refreshLinkDeviceCode,
		cancelLinkDeviceCode,
		isAuthenticated: () => app().isLinked,
		isRegistered: () => app().isLinked,
		isMainInit: () => Boolean(window.Debug?.VERSION),
		isMainLoaded: () => app().isMainLoaded,
		isMainReady: () => isMainReady,
		isIdle: () => app().isIdle,
		isMultiDevice: () => true,
		isOnline: () => app().online,
		needsUpdate: () => app().needsUpdate,
		getStreamData: () => ({ mode: app().mode, info: app().info }),
		getMyUserId: myWid,
		getMyUserWid: myWid,
		getMyUserLid() {
			if (!app().me) throw new Error("getMeLidUserOrThrow: no LID");
			return new (app().Wid)(app().me.lid);
		},
		getMyDeviceId: myWid,
		getPlatform: () => app().me?.platform,
		async logout() {
			const done = waitFor("conn.logout");
			await app().call("logout");
			app().pull();
			await done;
			return true;
		},
		setKeepAlive: (enable = true) => enable,
		markAvailable: async () => true,
		getHistorySyncProgress: () => ({ progress: 100, paused: false, inProgress: false }),
		getMigrationState: () => ({
			isLidMigrated: Boolean(app().me?.lid_mode),
			isSyncdSessionMigrated: Boolean(app().me?.lid_mode),
			shouldApplyNonMigratedMessagingRules: !app().me?.lid_mode,
			currentLid: app().me && conn.getMyUserLid(),
			currentPn: myWid(),
		}),
		getBuildConstants() {
			if (!window.Debug) return null;
			const [primary, secondary, tertiary] = window.Debug.VERSION.split(".");
			return {
				VERSION_STR: window.Debug.VERSION,
				VERSION_BASE: window.Debug.VERSION,
				VERSION_PRIMARY: primary,
				VERSION_SECONDARY: secondary,
				VERSION_TERTIARY: tertiary,
				WINDOWS_BUILD: null,
				PARSED: { PRIMARY: Number(primary), SECONDARY: Number(secondary), TERTIARY: Number(tertiary) },
			};
		},
	};

	/* ---------------------------------------------------------------- chats, people, groups */

	const CHAT = [
		...["find", "list", "getMessageById", "getMessageACK", "getMessages", "getQuotedMsg", "canReply"],
		...["sendTextMessage", "sendFileMessage", "sendLocationMessage", "sendVCardContactMessage", "sendReactionToMessage"],
		...["generateMessageID", "deleteMessage", "downloadMedia"],
		...["markIsRead", "markIsComposing", "markIsRecording", "markIsPaused"],
	];

	/* They are here at once, and do what the page's own modules do once it has them. */
	function room(name, functions) {
		return Object.fromEntries(functions.map((what) => [what, async (...values) => app().modules[name][what](...values)]));
	}

	const WPP = {
		version: "stand-in",
		supportedWhatsappWeb: ">=2.3000.0",
		isInjected: false,
		isReady: false,
		isFullReady: false,
		on: (name, listener) => add(name, listener, false),
		once: (name, listener) => add(name, listener, true),
		off,
		emit,
		waitFor,
		conn,
		chat: { ...room("chat", CHAT), get: (id) => app().modules.chat.get(id) },
		profile: { getMyProfileName: () => app().me.name },
		contact: room("contact", ["queryWidExists", "queryExists", "getPnLidEntry", "get"]),
		group: room("group", ["getAllGroups", "getParticipants"]),
		util: room("util", ["blobToBase64"]),
		loader: { loaderType: "stand-in" },
	};
	window.WPP = WPP;

	let standIn;
	Object.defineProperty(window, "StandIn", {
		get: () => standIn,
		set(page) {
			standIn = page;
			inject(page);
		},
	});
})();
