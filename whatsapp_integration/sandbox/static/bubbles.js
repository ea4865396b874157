/* One message → one bubble. `act` holds what a tap may do: answer, menu, sheet, played. */

import { avatar, h, icon, rich, safeLink } from "./dom.js";
import { clock, t } from "./texts.js";

export function bubble(message, act) {
	const side = message.incoming ? "mine" : "theirs";
	const failed = message.status === "failed";
	const body = message.revoked ? [revoked()] : content(message, act);
	const box = h(
		`div.bubble.${message.revoked ? "text" : message.type}`,
		{},
		message.sender ? h("span.sender", { dir: "ltr" }, `+${message.sender}`) : null,
		message.forwarded ? h("span.forwarded", {}, icon("reply"), t("forwarded")) : null,
		message.quoted ? quote(message.quoted) : null,
		...body,
		meta(message),
	);
	const menu = h("button.menu", { type: "button", title: t("more"), "aria-label": t("more") }, icon("more"));
	menu.addEventListener("click", () => act.menu(message, menu));
	const reactions = h("span.reactions", {}, [...new Set(message.reactions)].join(" "));
	return h(
		`article.row.${side}${failed ? ".failed-one" : ""}`,
		{ "data-id": message.id },
		h(
			"div.stack",
			{},
			box,
			...(message.revoked ? [] : answers(message, act)),
			message.reactions.length ? reactions : null,
			failed ? problem(message) : null,
		),
		message.revoked ? null : menu,
	);
}

/* The words for a message in the chat list and in quotes. */
export function summary(type, text) {
	if (type === "reaction") return t("reaction", text);
	return text || t(["edit", "revoke", "unsupported"].includes(type) ? "unsupported" : type, "");
}

function revoked() {
	return h("p.gone", {}, icon("trash"), t("revoked"));
}

function problem(message) {
	const error = message.error ?? { code: "", title: "" };
	return h("p.problem", {}, icon("alert"), t("not_delivered", error.code, error.title));
}

function quote(quoted) {
	return h(
		"blockquote",
		{},
		h("b", { dir: "auto" }, quoted.incoming ? t("you") : document.getElementById("business").textContent),
		h("span", { dir: "auto" }, summary(quoted.type, quoted.text)),
	);
}

function meta(message) {
	const edited = message.edited && !message.revoked ? `${t("edited")} · ` : "";
	return h("span.meta", {}, edited, clock(message.at), message.incoming ? ticks(message.status) : null);
}

function ticks(status) {
	const name = { posted: "tick", acknowledged: "ticks", read: "ticks", lost: "alert" }[status] ?? "clock";
	const node = h(`span.ticks.${status}`, { title: t(`ticks_${status}`), role: "img", "aria-label": t(`ticks_${status}`) });
	node.append(icon(name));
	return node;
}

function content(message, act) {
	const draw = CONTENTS[message.type];
	return draw ? draw(message.part, message, act) : [unsupported(message)];
}

function unsupported(message) {
	return h(
		"details.unknown",
		{},
		h("summary", {}, icon("alert"), t("unsupported", message.type)),
		h("pre", { dir: "ltr" }, JSON.stringify(message.part, null, 1)),
	);
}

const CONTENTS = {
	text: (part) => [words(part.body, isBigEmoji(part.body) ? "big" : "")],
	image: (part) => [picture(part), words(part.caption)],
	video: (part) => [h("video", { src: address(part), controls: true, preload: "metadata" }), words(part.caption)],
	audio: (part, message, act) => [player(part, message, act)],
	sticker: (part) => [h("img.sticker-image", { src: address(part), alt: t("sticker") })],
	document: (part) => [file(part), words(part.caption)],
	location: (part) => [place(part)],
	contacts: (part) => part.map(card),
	template: (part, message) => framed(message.rendered),
	button: (part) => [words(part.text)],
	interactive: (part, message) => (message.incoming ? tapped(part) : framed(flat(part))),
};

function words(text, extra = "") {
	return text ? h(`p.words${extra ? `.${extra}` : ""}`, { dir: "auto" }, ...rich(text)) : null;
}

function isBigEmoji(text) {
	return /^(\p{Extended_Pictographic}[\u200d\ufe0f\p{Emoji_Modifier}\p{Extended_Pictographic}]*){1,3}$/u.test(text ?? "");
}

function address(part) {
	return part.id ? `/phone/media/${encodeURIComponent(part.id)}` : safeLink(part.link);
}

function picture(part) {
	const image = h("img.picture", { src: address(part), alt: t("image") });
	image.addEventListener("error", () => image.replaceWith(h("span.broken", {}, icon("alert"), t("image"))));
	return h("a", { href: address(part), target: "_blank", rel: "noopener noreferrer" }, image);
}

function player(part, message, act) {
	const audio = h("audio", { src: address(part), controls: true, preload: "metadata" });
	if (part.voice && !message.incoming) audio.addEventListener("play", () => act.played(message), { once: true });
	return h("div.player", {}, part.voice ? h("small", {}, t("voice")) : null, audio);
}

function file(part) {
	const name = part.filename || part.link?.split("/").pop() || t("document");
	const ending = name.includes(".") ? name.split(".").pop().slice(0, 4).toUpperCase() : "";
	const href = address(part);
	return h(
		"a.file",
		{ href, target: "_blank", rel: "noopener noreferrer" },
		h("span.file-icon", {}, icon("file"), h("b", {}, ending)),
		h("span.file-name", { dir: "auto" }, name),
	);
}

function place(part) {
	const spot = `${part.latitude},${part.longitude}`;
	const map = `https://www.openstreetmap.org/?mlat=${part.latitude}&mlon=${part.longitude}#map=15/${spot.replace(",", "/")}`;
	return h(
		"a.place",
		{ href: map, target: "_blank", rel: "noopener noreferrer", title: t("open_map") },
		h("span.map", {}, icon("pin")),
		h("b", { dir: "auto" }, part.name || t("location")),
		h("small", { dir: "auto" }, part.address || h("bdi", {}, spot)),
	);
}

function card(contact) {
	const name = contact.name?.formatted_name ?? "";
	return h(
		"div.card",
		{},
		avatar(h("span.avatar", { "aria-hidden": true }), name, name),
		h("span", {}, h("b", { dir: "auto" }, name), ...(contact.phones ?? []).map((row) => h("small", { dir: "ltr" }, row.phone))),
	);
}

/* Header, body, footer of templates and interactive messages: {header, body, footer}. */
function framed(shown) {
	if (!shown) return [];
	return [heading(shown.header), words(shown.body), shown.footer ? h("p.footer", { dir: "auto" }, ...rich(shown.footer)) : null];
}

function flat(part) {
	return { header: part.header, body: part.body?.text, footer: part.footer?.text };
}

function heading(header) {
	if (!header) return null;
	if (header.type === "text") return h("h3", { dir: "auto" }, header.text);
	const media = header[header.type] ?? {};
	const draw = { image: picture, document: file, location: place }[header.type];
	if (header.type === "video") return h("video", { src: address(media), controls: true, preload: "metadata" });
	return draw && (header.type === "location" || address(media)) ? draw(media) : null;
}

function tapped(part) {
	const reply = part[part.type] ?? {};
	if (part.type === "nfm_reply") return [h("pre.answers", { dir: "ltr" }, reply.response_json)];
	return [h("b.tapped", { dir: "auto" }, reply.title), reply.description ? h("small", { dir: "auto" }, reply.description) : null];
}

/* The buttons below a bubble. */
function answers(message, act) {
	if (message.incoming) return [];
	if (message.type === "template") return (message.rendered?.buttons ?? []).map((button) => templateButton(message, button, act));
	if (message.type === "interactive") return interactiveButtons(message, act);
	return [];
}

function templateButton(message, button, act) {
	const choice = message.choices.find((item) => item.text === button.text);
	if (choice) return tap(button.text, "reply", () => act.answer(message, choice));
	if (button.type === "PHONE_NUMBER") return tap(button.text, "phone", null, `tel:${button.phone_number}`);
	if (button.type === "URL") return tap(button.text, /otp/.test(button.url) ? "copy" : "link", null, button.shown_url ?? button.url);
	return tap(button.text, button.type === "COPY_CODE" ? "copy" : "form", () => act.sheetForFlow(message));
}

function interactiveButtons(message, act) {
	const { type, action = {} } = message.part;
	const parameters = action.parameters ?? {};
	if (type === "button") return message.choices.map((choice) => tap(choice.title, "reply", () => act.answer(message, choice)));
	if (type === "list") return [tap(action.button, "list", () => act.sheetForList(message))];
	if (type === "cta_url") return [tap(parameters.display_text, "link", null, parameters.url)];
	if (type === "flow") return [tap(parameters.flow_cta, "form", () => act.sheetForFlow(message))];
	if (type === "location_request_message") return [tap(t("send_location"), "pin", () => act.location(message))];
	return [];
}

function tap(text, picture, listener, href = null) {
	const label = [icon(picture), h("span", { dir: "auto" }, text)];
	if (listener) return h("button.tap", { type: "button", onclick: listener }, ...label);
	return h("a.tap", { href: safeLink(href), target: "_blank", rel: "noopener noreferrer" }, ...label);
}
