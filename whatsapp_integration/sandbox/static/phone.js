/* The phone: state of the page, talking to the sandbox, and what the customer does. */

import { bubble, summary } from "./bubbles.js";
import { clearStaged, stageEdit, stageQuote, startComposer } from "./compose.js";
import { avatar, h, icon } from "./dom.js";
import { get, post } from "./net.js";
import { closeMenu, closeSheet, flowSheet, listSheet, openMenu } from "./sheets.js";
import { clock, day, language, t, translatePage } from "./texts.js";

const $ = (id) => document.getElementById(id);
const CAIRO = { latitude: 30.0444, longitude: 31.2357, name: "Cairo" };
const here = new URLSearchParams(location.search);

const page = {
	customer: here.get("chat") ?? "",
	number: here.get("number") ?? "",
	name: "",
	chats: [],
	drawn: new Map(), // message id → what was drawn and its node
	atEnd: true, // new messages keep the end in sight
	top: 0,
	waiting: false,
	again: false,
};

/* ------------------------------------------------------------------ talking to the sandbox */

async function trying(work) {
	try {
		$("failed").hidden = true;
		return await work();
	} catch (error) {
		$("failed").textContent = t("failed", error.message);
		$("failed").hidden = false;
		return null;
	}
}

async function refresh() {
	if (page.waiting) {
		page.again = true;
		return;
	}
	page.waiting = true;
	await drawList().then(drawChat).catch(() => {}); // the list brings the names that bubbles show
	page.waiting = false;
	if (page.again) {
		page.again = false;
		refresh();
	}
}

function say(what) {
	const to = page.number ? { to: page.number } : {};
	const name = page.name ? { name: page.name } : {};
	return trying(async () => {
		const sent = await post("/sandbox/reply", { from: page.customer, ...to, ...name, ...group(), ...what });
		if (!group().group) page.customer = sent.wa_id;
		refresh();
		return sent;
	});
}

function group() {
	const chat = page.chats.find((row) => row.customer === page.customer);
	return chat?.group ? { group: chat.customer, from: "+201000000000" } : {};
}

/* ------------------------------------------------------------------ the list */

async function drawList() {
	const data = await get("/phone/chats");
	page.chats = data.chats;
	page.number ||= data.numbers[0]?.id ?? "";
	$("business").textContent = data.business.name;
	avatar($("business-avatar"), data.business.name, "");
	$("auto-read").checked = data.auto_read;
	$("notice").hidden = data.subscribed;
	drawNumbers(data.numbers);
	const rows = data.chats.filter((row) => row.number_id === page.number).map(listRow);
	if (page.customer && !data.chats.some(isOpen)) {
		rows.unshift(listRow({ customer: page.customer, name: page.name, at: 0, number_id: page.number }));
	}
	$("chats").replaceChildren(...(rows.length ? rows : [h("p.none", {}, t("no_chats"))]));
}

function drawNumbers(numbers) {
	$("number-row").hidden = numbers.length < 2;
	$("number").replaceChildren(...numbers.map((row) => h("option", { value: row.id, selected: row.id === page.number }, row.number)));
}

function isOpen(row) {
	return row.customer === page.customer && row.number_id === page.number;
}

function pretty(customer) {
	return /^\d+$/.test(customer) ? `+${customer}` : customer;
}

function listRow(row) {
	const name = row.name || pretty(row.customer);
	const last = row.last ? (row.last.revoked ? t("revoked") : summary(row.last.type, row.last.text)) : t("no_messages");
	return h(
		`button.chat${isOpen(row) ? ".open" : ""}`,
		{ type: "button", "aria-current": isOpen(row) ? "true" : null, onclick: () => open(row.customer, row.number_id, row.name) },
		avatar(h("span.avatar", { "aria-hidden": true }), row.name || row.customer.slice(-2), row.customer),
		h(
			"span.lines",
			{},
			h("span.line", {}, h("b", { dir: "auto" }, name), row.at ? h("time", {}, clock(row.at)) : null),
			h(
				"span.line",
				{},
				row.typing ? h("span.last.live", {}, t("typing")) : h("span.last", { dir: "auto" }, last),
				row.unread ? h("span.count", {}, String(row.unread)) : null,
			),
		),
	);
}

/* ------------------------------------------------------------------ the conversation */

function open(customer, number, name = "") {
	Object.assign(page, { customer, number: number || page.number, name });
	page.drawn.clear();
	page.atEnd = true;
	$("log").replaceChildren();
	const query = new URLSearchParams({ ...(language === "ar" ? { lang: "ar" } : {}), ...(customer ? { chat: customer, number: page.number } : {}) });
	history.replaceState(null, "", `?${query}`);
	closeSheet();
	clearStaged();
	refresh();
	if (customer && matchMedia("(hover: hover)").matches) $("text").focus();
}

async function drawChat() {
	document.body.classList.toggle("has-chat", Boolean(page.customer));
	if (!page.customer) return;
	const query = new URLSearchParams({ customer: page.customer, number_id: page.number });
	const chat = await get(`/phone/chat?${query}`);
	page.name = chat.name ?? page.name;
	$("as").textContent = pretty(page.customer);
	$("as").title = page.name;
	$("presence").textContent = chat.typing ? t("typing") : t("business_account");
	$("presence").classList.toggle("live", Boolean(chat.typing));
	if (chat.typing) setTimeout(refresh, 5000);
	drawMessages(chat.messages, chat.typing);
	readIfLooking(chat.messages);
}

function drawMessages(messages, typing) {
	const log = $("log");
	page.atEnd ||= !page.drawn.size;
	const nodes = [];
	let date = "";
	for (const message of messages) {
		const its = day(message.at);
		if (its !== date) nodes.push(fixed(`day ${its}`, () => h("p.day", {}, its)));
		date = its;
		nodes.push(fixed(message.id, () => bubble(message, act), JSON.stringify(message)));
	}
	if (!messages.length) nodes.push(fixed("none", () => h("p.day", {}, t("no_messages"))));
	if (typing) nodes.push(fixed("typing", () => h("div.row.theirs", {}, h("div.bubble.dots", {}, h("i"), h("i"), h("i")))));
	place(log, nodes);
	stickToEnd();
}

/* Only going up leaves the end: a picture that grows below makes a scroll event too. */
function noteScroll() {
	const log = $("log");
	const isNear = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
	page.atEnd = log.scrollTop < page.top ? isNear : page.atEnd || isNear;
	page.top = log.scrollTop;
}

function stickToEnd() {
	if (page.atEnd) $("log").scrollTop = $("log").scrollHeight;
}

/* The node drawn before for this key, unless what it shows has changed: a playing video stays. */
function fixed(key, make, shows = "") {
	const before = page.drawn.get(key);
	if (before?.shows === shows) return before.node;
	const node = make();
	page.drawn.set(key, { shows, node });
	return node;
}

function place(log, nodes) {
	const wanted = new Set(nodes);
	for (const node of [...log.children]) if (!wanted.has(node)) node.remove();
	nodes.forEach((node, index) => {
		if (log.children[index] !== node) log.insertBefore(node, log.children[index] ?? null);
	});
}

function readIfLooking(messages) {
	const unread = messages.some((message) => !message.incoming && message.status === "delivered");
	if (unread && document.visibilityState === "visible") {
		post("/sandbox/read", { customer: page.customer, number_id: page.number }).catch(() => {});
	}
}

/* ------------------------------------------------------------------ what a tap does */

const act = {
	answer: (message, choice) => say({ button: choice, reply_to: message.id }),
	location: (message) => say({ location: CAIRO, reply_to: message.id }),
	played: (message) => post("/sandbox/status", { message_id: message.id, status: "played" }).catch(() => {}),
	sheetForList: (message) => listSheet(message, (row) => act.answer(message, row)),
	sheetForFlow: (message) => flowSheet((answers) => say({ flow: answers, reply_to: message.id })),
	menu: (message, near) =>
		openMenu(message, near, {
			react: (emoji) => say({ reaction: { message_id: message.id, emoji } }),
			quote: () => stageQuote(message),
			edit: () => stageEdit(message),
			revoke: () => say({ revoke: message.id }),
		}),
};

/* "+20 100 123 4567 Sara" → number and name; Arabic and Persian digits count as digits. */
function readCustomer(text) {
	const plain = text.replace(/[٠-٩۰-۹]/g, (digit) => String(digit.codePointAt(0) & 0xf));
	const user = plain.match(/^\s*([A-Z]{2}\.[A-Za-z0-9]+)/);
	if (user) return { customer: user[1], name: "" };
	const digits = (plain.match(/[\d\s()+.-]+/g) ?? []).join("").replace(/\D/g, "");
	const name = plain.replace(/[\d()+.\-\u200e\u200f]+/g, " ").replace(/\s+/g, " ").trim();
	return { customer: digits.length >= 7 && digits.length <= 15 ? digits : "", name };
}

/* ------------------------------------------------------------------ begin */

function listen() {
	$("new").addEventListener("submit", (event) => {
		event.preventDefault();
		const { customer, name } = readCustomer($("new-number").value);
		$("new-number").setCustomValidity(customer ? "" : t("bad_number"));
		$("new-number").reportValidity();
		if (!customer) return;
		$("new-number").value = "";
		open(customer, page.number, name);
	});
	$("new-number").addEventListener("input", () => $("new-number").setCustomValidity(""));
	$("back").addEventListener("click", () => open("", page.number));
	$("number").addEventListener("change", () => open("", $("number").value));
	$("auto-read").addEventListener("change", () => trying(() => post("/sandbox/config", { auto_read: $("auto-read").checked })));
	startComposer({ say, trying, canWrite: () => Boolean(page.customer) });
	document.addEventListener("click", (event) => {
		if (!event.target.closest(".menu")) closeMenu();
		if (event.target === $("sheet")) closeSheet();
	});
	document.addEventListener("keydown", (event) => {
		if (event.key !== "Escape") return;
		closeMenu();
		closeSheet();
	});
	document.addEventListener("visibilitychange", refresh);
	$("log").addEventListener("scroll", noteScroll, { passive: true });
	// Pictures and players grow when they load; "load" does not bubble, so it is caught on its way down.
	for (const name of ["load", "loadedmetadata"]) $("log").addEventListener(name, stickToEnd, true);
}

function begin() {
	translatePage();
	for (const button of document.querySelectorAll("[data-icon]")) button.append(icon(button.dataset.icon));
	$("lang").textContent = t("other_language");
	$("lang").href = language === "ar" ? "?" : "?lang=ar";
	listen();
	refresh();
	new EventSource("/sandbox/events").addEventListener("change", refresh);
}

begin();
