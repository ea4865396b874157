/* The conversation in the phone: the customer's messages are at the end of the line, the company's at its start. */

import { avatar, h, icon, rich } from "/static/dom.js";
import { clock, number, t } from "./texts.js";

const $ = (id) => document.getElementById(id);
const EMOJI = ["👍", "❤️", "😂", "😮", "😢", "🙏"];
const staged = { quoted: null, editing: null, file: null };
let page;
let ask;
let open;
let drawn = "";

/* The words for a message in the chat list and in quotes. */
export function summary(type, text) {
	return type === "chat" ? text : [t(type), text].filter(Boolean).join(" · ");
}

export function listenTalk(thePage, asking, opening) {
	[page, ask, open] = [thePage, asking, opening];
	$("composer").addEventListener("submit", (event) => {
		event.preventDefault();
		submit();
	});
	$("text").addEventListener("keydown", (event) => {
		if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
		event.preventDefault();
		submit();
	});
	$("attach").addEventListener("click", () => $("file").click());
	$("file").addEventListener("change", () => {
		staged.file = $("file").files[0] ?? null;
		drawStaged();
	});
	$("read").addEventListener("click", () => ask("read", { customer: page.customer.group ? page.chat : page.customer.number, number: page.account }));
	document.addEventListener("click", (event) => {
		if (!event.target.closest(".menu")) $("popover")?.remove();
	});
}

/* ------------------------------------------------------------------ the messages */

export function drawTalk({ customer }, messages) {
	const name = customer.name || number(customer.number);
	$("who").textContent = name;
	$("what").textContent = customer.lid_only ? t("lid_only") : customer.group ? "" : number(customer.number);
	avatar($("avatar"), customer.name || customer.number?.slice(-2) || "#", page.chat);
	const key = page.account + page.chat + JSON.stringify(messages);
	if (key === drawn) return;
	drawn = key;
	const nodes = messages.map(bubble);
	$("log").replaceChildren(...(nodes.length ? nodes : [h("p.day", {}, t("no_messages"))]));
	$("log").scrollTop = $("log").scrollHeight;
}

function bubble(message) {
	const menu = h("button.menu", { type: "button", title: t("more"), "aria-label": t("more") }, icon("more"));
	menu.addEventListener("click", () => openMenu(message, menu));
	const kind = message.type === "chat" ? "text" : message.type;
	const box = h(
		`div.bubble.${kind}`,
		{},
		message.author ? h("span.sender", {}, number(message.author)) : null,
		message.forwarded ? h("span.forwarded", {}, icon("reply"), t("forwarded")) : null,
		message.quoted ? h("blockquote", {}, h("span", { dir: "auto" }, summary(message.quoted.type, message.quoted.text))) : null,
		...(message.revoked ? [h("p.gone", {}, icon("trash"), t("revoked"))] : content(message)),
		meta(message),
	);
	const reactions = [...new Set(message.reactions)].join(" ");
	const stack = h("div.stack", {}, box, reactions ? h("span.reactions", {}, reactions) : null);
	return h(`article.row.${message.from_me ? "theirs" : "mine"}`, { "data-id": message.id }, stack, message.revoked ? null : menu);
}

const words = (text) => (text ? h("p.words", { dir: "auto" }, ...rich(text)) : null);

function content(message) {
	const address = `/web/file/${message.file}`;
	if (message.type === "chat") return [words(message.body)];
	if (message.type === "image" || message.type === "sticker") {
		return [h(message.type === "image" ? "img.picture" : "img.sticker-image", { src: address, alt: t(message.type) }), words(message.caption)];
	}
	if (message.type === "video") return [h("video", { src: address, controls: true, preload: "metadata" }), words(message.caption)];
	if (message.type === "audio" || message.type === "ptt") {
		return [h("div.player", {}, h("small", {}, t(message.type)), h("audio", { src: address, controls: true, preload: "metadata" }))];
	}
	if (message.file) return [fileLink(message, address), words(message.caption)];
	return [h("b", {}, t(message.type)), words(message.extra.loc || message.extra.vcardFormattedName || "")];
}

function fileLink(message, address) {
	const name = message.filename || t("document");
	const ending = name.includes(".") ? name.split(".").pop().slice(0, 4).toUpperCase() : "";
	return h(
		"a.file",
		{ href: address, target: "_blank", rel: "noopener noreferrer" },
		h("span.file-icon", {}, icon("file"), h("b", {}, ending)),
		h("span.file-name", { dir: "auto" }, name),
	);
}

function meta(message) {
	const tick = message.ack < 0 ? "alert" : ["clock", "tick", "ticks", "ticks", "ticks"][message.ack];
	const seen = message.from_me ? message.ack > 2 : !message.unread;
	const duplicate = message.times_accepted > 1 ? h("span.badge", {}, t("duplicate", message.times_accepted)) : null;
	const ticks = h(`span.ticks${seen ? ".read" : ""}`, {}, icon(message.from_me ? tick : "ticks"));
	return h("span.meta", {}, duplicate, message.edited ? `${t("edited")} ·` : null, clock(message.at), ticks);
}

/* ------------------------------------------------------------------ what may be done with one */

function openMenu(message, near) {
	$("popover")?.remove();
	const isText = message.type === "chat";
	const item = (picture, key, action) => h("button.item", { type: "button", onclick: action }, icon(picture), t(key));
	const menu = h(
		"div.popover",
		{ id: "popover" },
		h("div.emoji", {}, ...EMOJI.map((emoji) => h("button", { type: "button", onclick: () => react(message, emoji) }, emoji))),
		item("reply", "reply", () => stage({ quoted: message })),
		isText ? item("edit", "edit", () => stage({ editing: message })) : null,
		item("trash", "revoke", () => ask("revoke", { message_id: message.id })),
	);
	near.closest(".row").append(menu);
	menu.classList.toggle("below", near.getBoundingClientRect().top - $("log").getBoundingClientRect().top < 190);
}

const isOnPhone = () => document.querySelector("[name=side]:checked").value === "phone";

function react(message, emoji) {
	const who = page.customer.group ? { customer: page.customer.members[0] } : {};
	ask("react", { message_id: message.id, emoji, from_phone: isOnPhone(), ...who });
}

/* ------------------------------------------------------------------ writing */

function stage(what) {
	Object.assign(staged, { quoted: null, editing: null }, what);
	if (staged.editing) $("text").value = staged.editing.body;
	drawStaged();
	$("text").focus();
}

export function clearStaged() {
	Object.assign(staged, { quoted: null, editing: null, file: null });
	$("file").value = "";
	drawStaged();
}

function drawStaged() {
	const { quoted, editing, file } = staged;
	const shown = [
		file && ["file", file.name],
		quoted && ["reply", summary(quoted.type, quoted.body || quoted.caption || quoted.filename)],
		editing && ["edit", editing.body],
	].filter(Boolean);
	const label = { type: "button", title: t("remove"), "aria-label": t("remove"), onclick: clearStaged };
	const chips = shown.map(([picture, text]) =>
		h("div.chip", {}, icon(picture), h("span", { dir: "auto" }, text), h("button.round.quiet", label, icon("close"))),
	);
	$("staged").replaceChildren(...chips);
	$("staged").hidden = !chips.length;
}

async function submit() {
	const text = $("text").value.trim();
	const { quoted, editing, file } = staged;
	if (!text && !file) return;
	const done = editing ? await ask("edit", { message_id: editing.id, text }) : await write(text, file, quoted);
	if (!done) return;
	$("text").value = "";
	clearStaged();
	if (!page.data.chats.some((row) => row.chat === page.chat)) open(page.account, done.chat, page.customer);
}

async function write(text, file, quoted) {
	const { customer } = page;
	const group = customer.group ? { group: page.chat, customer: customer.members[0] } : { customer: customer.number };
	const more = { from_phone: isOnPhone(), ...(quoted ? { quoted: quoted.id } : {}) };
	return ask("write", { number: page.account, ...group, ...more, ...(file ? await asFile(file, text) : { text }) });
}

async function asFile(file, caption) {
	const query = new URLSearchParams({ mime_type: file.type, name: file.name });
	const { id } = await (await fetch(`/web/upload?${query}`, { method: "POST", body: file })).json();
	const known = ["image", "video", "audio"].find((kind) => file.type.startsWith(`${kind}/`)) ?? "document";
	const kind = /^audio\/ogg/.test(file.type) ? "voice" : known;
	return { [kind]: { id, filename: file.name, caption } };
}
