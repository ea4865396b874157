/* The phones: whose chats are shown, what the server says of them, and what is asked of it. */

import { avatar, h, icon } from "/static/dom.js";
import { drawDesk, listenDesk } from "./desk.js";
import { clearStaged, drawTalk, listenTalk, summary } from "./talk.js";
import { clock, language, number, t, translatePage } from "./texts.js";

const $ = (id) => document.getElementById(id);
const here = new URLSearchParams(location.search);

const page = {
	account: here.get("account") ?? "",
	chat: here.get("chat") ?? "", // jid
	customer: null, // {number, name, lid_only, group, members} of the open chat
	data: null,
	isWaiting: false,
	isAgain: false,
};

async function read(reply) {
	const data = await reply.json();
	if (!reply.ok) throw new Error(data.error ?? `HTTP ${reply.status}`);
	return data;
}

const get = async (path) => read(await fetch(path));

/* A verb of the control API; what fails is shown, and resolves to null. */
async function ask(verb, data = {}) {
	try {
		$("failed").hidden = true;
		const headers = { "Content-Type": "application/json" };
		return await read(await fetch(`/sandbox/web/${verb}`, { method: "POST", headers, body: JSON.stringify(data) }));
	} catch (error) {
		$("failed").textContent = t("failed", error.message);
		$("failed").hidden = false;
		return null;
	}
}

async function refresh() {
	if (page.isWaiting) {
		page.isAgain = true;
		return;
	}
	page.isWaiting = true;
	do {
		page.isAgain = false;
		await draw().catch(() => {}); // the server is gone; its next event draws again
	} while (page.isAgain);
	page.isWaiting = false;
}

async function draw() {
	const data = (page.data = await get("/web/phone/data"));
	const accounts = data.accounts.map((account) => account.number);
	if (!accounts.includes(page.account)) page.account = data.companions[0]?.account ?? accounts.at(-1) ?? "";
	const row = data.chats.find((chat) => chat.chat === page.chat && chat.account === page.account);
	if (row) page.customer = row;
	document.body.classList.toggle("has-chat", Boolean(page.customer));
	$("accounts").replaceChildren(...data.accounts.map(accountRow));
	const rows = data.chats.filter((chat) => chat.account === page.account).map(chatRow);
	$("chats").replaceChildren(...(rows.length ? rows : [h("p.none", {}, t("no_chats"))]));
	drawDesk(page);
	if (!page.customer) return;
	const { messages } = await get(`/web/phone/chat?${new URLSearchParams({ number: page.account, chat: page.chat })}`);
	drawTalk(page, messages);
}

function accountRow(account) {
	const linked = page.data.companions.filter((device) => device.account === account.number).length;
	const isOpen = account.number === page.account;
	return h(
		`button.chat${isOpen ? ".open" : ""}`,
		{ type: "button", "aria-current": isOpen ? "true" : null, onclick: () => open(account.number, "", null) },
		avatar(h("span.avatar", { "aria-hidden": true }), account.name, account.number),
		h(
			"span.lines",
			{},
			h("span.line", {}, h("b", { dir: "auto" }, account.name), linked ? h("span.count", { title: t("linked_count", linked) }, String(linked)) : null),
			h("span.line", {}, h("span.last", {}, number(account.number))),
		),
	);
}

function chatRow(row) {
	const isOpen = row.chat === page.chat;
	const name = row.name || number(row.number);
	return h(
		`button.chat${isOpen ? ".open" : ""}`,
		{ type: "button", "aria-current": isOpen ? "true" : null, onclick: () => open(page.account, row.chat, row) },
		avatar(h("span.avatar", { "aria-hidden": true }), row.name || row.number.slice(-2), row.chat),
		h(
			"span.lines",
			{},
			h("span.line", {}, h("b", { dir: "auto" }, name), h("time", {}, clock(row.at))),
			h(
				"span.line",
				{},
				h("span.last", { dir: "auto" }, row.last.revoked ? t("revoked") : summary(row.last.type, row.last.text)),
				row.unread ? h("span.count", {}, String(row.unread)) : null,
			),
		),
	);
}

function open(account, chat, customer) {
	Object.assign(page, { account, chat, customer });
	$("log").replaceChildren();
	clearStaged();
	const query = { ...(language === "ar" ? { lang: "ar" } : {}), account, ...(chat ? { chat } : {}) };
	history.replaceState(null, "", `?${new URLSearchParams(query)}`);
	refresh();
}

/* "+20 100 123 4567 Sara" → number and name; Arabic and Persian digits count as digits. "#" makes it a phone of ours. */
function readNumber(text) {
	const plain = text.replace(/[٠-٩۰-۹]/g, (digit) => String(digit.codePointAt(0) & 0xf));
	const digits = (plain.match(/[\d\s()+.-]+/g) ?? []).join("").replace(/\D/g, "");
	const name = plain.replace(/[\d()+.#\-\u200e\u200f\u2066\u2069]+/g, " ").replace(/\s+/g, " ").trim();
	return { digits: digits.length >= 7 && digits.length <= 15 ? digits : "", name, isOurs: plain.includes("#") };
}

async function addNumber() {
	const { digits, name, isOurs } = readNumber($("new-number").value);
	$("new-number").setCustomValidity(digits ? "" : t("bad_number"));
	$("new-number").reportValidity();
	if (!digits) return;
	if (isOurs) {
		if (await ask("add_account", { number: digits, name })) open(digits, "", null);
	} else {
		const person = await ask("customer", { number: digits, ...(name ? { name } : {}) });
		if (person) open(page.account, person.jid, { ...person, group: false });
	}
	$("new-number").value = "";
}

function begin() {
	translatePage();
	for (const button of document.querySelectorAll("[data-icon]")) button.append(icon(button.dataset.icon));
	$("lang").textContent = t("other_language");
	$("lang").href = language === "ar" ? "?" : "?lang=ar";
	$("new").addEventListener("submit", (event) => {
		event.preventDefault();
		addNumber();
	});
	$("new-number").addEventListener("input", () => $("new-number").setCustomValidity(""));
	$("back").addEventListener("click", () => open(page.account, "", null));
	listenDesk(page, ask);
	listenTalk(page, ask, open);
	refresh();
	new EventSource("/web/events").addEventListener("change", refresh);
}

begin();
