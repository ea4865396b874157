/* The phone: state of the page, talking to the sandbox, and what the customer does. */

import { bubble, summary } from "./bubbles.js";
import { avatar, h, icon } from "./dom.js";
import { clock, day, language, t, translatePage } from "./texts.js";

const $ = (id) => document.getElementById(id);
const EMOJI = ["👍", "❤️", "😂", "😮", "😢", "🙏"];
const CAIRO = { latitude: 30.0444, longitude: 31.2357, name: "Cairo" };
const here = new URLSearchParams(location.search);

const page = {
	customer: here.get("chat") ?? "",
	number: here.get("number") ?? "",
	name: "",
	chats: [],
	drawn: new Map(), // message id → what was drawn and its node
	quoted: null,
	editing: null,
	files: [],
	waiting: false,
	again: false,
};

/* ------------------------------------------------------------------ talking to the sandbox */

async function get(path) {
	const reply = await fetch(path);
	if (!reply.ok) throw new Error(`HTTP ${reply.status}`);
	return reply.json();
}

async function post(path, data) {
	const reply = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(data) });
	const answer = await reply.json();
	if (!reply.ok) throw new Error(answer.error ?? `HTTP ${reply.status}`);
	return answer;
}

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
	await Promise.all([drawList(), drawChat()]).catch(() => {});
	page.waiting = false;
	if (page.again) {
		page.again = false;
		refresh();
	}
}

function say(what) {
	const to = page.number ? { to: page.number } : {};
	const quoted = page.quoted && !what.reply_to && !what.reaction ? { reply_to: page.quoted.id } : {};
	const name = page.name ? { name: page.name } : {};
	return trying(async () => {
		const sent = await post("/sandbox/reply", { from: page.customer, ...to, ...name, ...quoted, ...group(), ...what });
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
	avatar($("business-avatar"), data.business.name, data.business.name);
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
	const last = row.last ? summary(row.last.type, row.last.text) : t("no_messages");
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
	Object.assign(page, { customer, number: number || page.number, name, quoted: null, editing: null, files: [] });
	page.drawn.clear();
	$("log").replaceChildren();
	const query = new URLSearchParams({ ...(language === "ar" ? { lang: "ar" } : {}), ...(customer ? { chat: customer, number: page.number } : {}) });
	history.replaceState(null, "", `?${query}`);
	closeSheet();
	drawStaged();
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
	const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80 || !page.drawn.size;
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
	if (atEnd) log.scrollTop = log.scrollHeight;
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
	menu: openMenu,
	sheetForList,
	sheetForFlow,
};

function openMenu(message, near) {
	closeMenu();
	const mine = message.incoming;
	const emoji = EMOJI.map((sign) => {
		const on = message.my_reaction === sign;
		const what = { reaction: { message_id: message.id, emoji: on ? "" : sign } };
		const label = on ? t("take_back") : t("react", sign);
		return h(`button${on ? ".on" : ""}`, { type: "button", title: label, "aria-label": label, onclick: () => say(what) }, sign);
	});
	const menu = h(
		"div.popover",
		{ id: "popover" },
		h("div.emoji", {}, ...emoji),
		h("button.item", { type: "button", onclick: () => stageQuote(message) }, icon("reply"), t("reply")),
		mine && message.type === "text" ? h("button.item", { type: "button", onclick: () => stageEdit(message) }, icon("edit"), t("edit")) : null,
		mine ? h("button.item", { type: "button", onclick: () => say({ revoke: message.id }) }, icon("trash"), t("revoke")) : null,
	);
	near.closest(".row").append(menu);
	const log = $("log").getBoundingClientRect();
	menu.classList.toggle("below", near.getBoundingClientRect().top - log.top < 190);
}

function closeMenu() {
	$("popover")?.remove();
}

function sheet(title, ...children) {
	const close = h("button.round.quiet", { type: "button", title: t("close"), "aria-label": t("close"), onclick: closeSheet }, icon("close"));
	$("sheet").replaceChildren(h("div.panel", { role: "dialog", "aria-label": title }, h("header", {}, h("b", { dir: "auto" }, title), close), ...children));
	$("sheet").hidden = false;
	close.focus();
}

function closeSheet() {
	$("sheet").hidden = true;
}

function sheetForList(message) {
	const { button, sections } = message.part.action;
	const choose = (row) => {
		closeSheet();
		act.answer(message, row);
	};
	const rows = sections.flatMap((section) => [
		section.title ? h("h4", { dir: "auto" }, section.title) : null,
		...section.rows.map((row) =>
			h("button.choice", { type: "button", onclick: () => choose(row) }, h("b", { dir: "auto" }, row.title), h("small", { dir: "auto" }, row.description ?? "")),
		),
	]);
	sheet(button || t("choose"), h("div.choices", {}, ...rows.filter(Boolean)));
}

function sheetForFlow(message) {
	const answers = h("textarea.json", { dir: "ltr", rows: 6, "aria-label": t("flow_title") });
	answers.value = '{\n  "answer": "yes"\n}';
	const problem = h("p.problem", {});
	const send = () => {
		try {
			say({ flow: JSON.parse(answers.value), reply_to: message.id });
			closeSheet();
		} catch {
			problem.textContent = t("bad_json");
		}
	};
	sheet(t("flow_title"), answers, problem, h("button.choice.main", { type: "button", onclick: send }, t("send")));
}

/* ------------------------------------------------------------------ writing */

function stageQuote(message) {
	page.quoted = message;
	page.editing = null;
	drawStaged();
	$("text").focus();
}

function stageEdit(message) {
	page.editing = message;
	page.quoted = null;
	$("text").value = message.part.body;
	drawStaged();
	$("text").focus();
}

function stageFiles(files) {
	if (!page.customer) return;
	page.files.push(...files);
	drawStaged();
	$("text").focus();
}

function drawStaged() {
	const chips = page.files.map((file, index) => chip(filePreview(file), file.name, () => page.files.splice(index, 1)));
	if (page.quoted) chips.push(chip(icon("reply"), stagedText(page.quoted), () => (page.quoted = null)));
	if (page.editing) chips.push(chip(icon("edit"), page.editing.part.body, () => (page.editing = null)));
	$("staged").replaceChildren(...chips);
	$("staged").hidden = !chips.length;
}

function stagedText(message) {
	return summary(message.type, message.part.body ?? message.part.caption ?? message.rendered?.body ?? message.part.body?.text);
}

function chip(picture, text, remove) {
	const gone = () => {
		remove();
		drawStaged();
	};
	return h(
		"div.chip",
		{},
		picture,
		h("span", { dir: "auto" }, typeof text === "string" ? text : ""),
		h("button.round.quiet", { type: "button", title: t("remove"), "aria-label": t("remove"), onclick: gone }, icon("close")),
	);
}

function filePreview(file) {
	if (!/^image\/(jpeg|png|webp|gif)$/.test(file.type)) return icon("file");
	const image = h("img", { src: URL.createObjectURL(file), alt: "" });
	image.addEventListener("load", () => URL.revokeObjectURL(image.src));
	return image;
}

async function submit() {
	const text = $("text").value.trim();
	const { files, editing } = page;
	if (!page.customer || !(text || files.length)) return;
	let sent;
	if (editing) sent = await say({ edit: { message_id: editing.id, text } });
	else if (files.length) sent = await sendFiles(files, text);
	else sent = await say({ text });
	if (!sent) return;
	$("text").value = "";
	Object.assign(page, { files: [], quoted: null, editing: null });
	grow();
	drawStaged();
	$("log").scrollTop = $("log").scrollHeight;
}

async function sendFiles(files, caption) {
	let sent = null;
	for (const [index, file] of files.entries()) {
		const id = await trying(() => upload(file));
		if (!id) return null;
		sent = await say({ file: { id, filename: file.name, ...(index ? {} : { caption }) } });
	}
	const last = files.at(-1);
	if (caption && /^audio\//.test(last.type)) sent = await say({ text: caption });
	return sent;
}

async function upload(file) {
	const reply = await fetch(`/sandbox/upload?filename=${encodeURIComponent(file.name)}`, {
		method: "POST",
		headers: { "Content-Type": file.type || "application/octet-stream" },
		body: file,
	});
	if (!reply.ok) throw new Error(`HTTP ${reply.status}`);
	return (await reply.json()).id;
}

function grow() {
	const box = $("text");
	box.style.height = "auto";
	box.style.height = `${Math.min(box.scrollHeight, 140)}px`;
}

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
	$("attach").addEventListener("click", () => $("file").click());
	$("file").addEventListener("change", () => {
		stageFiles($("file").files);
		$("file").value = "";
	});
	$("composer").addEventListener("submit", (event) => {
		event.preventDefault();
		submit();
	});
	$("text").addEventListener("input", grow);
	$("text").addEventListener("keydown", (event) => {
		if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
		event.preventDefault();
		submit();
	});
	document.addEventListener("paste", (event) => {
		if (event.clipboardData?.files.length) stageFiles(event.clipboardData.files);
	});
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
	listenForDrops();
}

function listenForDrops() {
	const phone = $("phone");
	phone.addEventListener("dragover", (event) => {
		event.preventDefault();
		$("drop").hidden = false;
	});
	phone.addEventListener("dragleave", (event) => {
		if (!phone.contains(event.relatedTarget)) $("drop").hidden = true;
	});
	phone.addEventListener("drop", (event) => {
		event.preventDefault();
		$("drop").hidden = true;
		stageFiles(event.dataTransfer.files);
	});
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
