/* What opens over the conversation: the menu of a message, the rows of a list, the answers of a form. */

import { h, icon } from "./dom.js";
import { t } from "./texts.js";

const EMOJI = ["👍", "❤️", "😂", "😮", "😢", "🙏"];
const host = () => document.getElementById("sheet");

/* `does` has react(emoji), quote(), edit() and revoke(). */
export function openMenu(message, near, does) {
	closeMenu();
	const mine = message.incoming;
	const item = (picture, key, action) => h("button.item", { type: "button", onclick: action }, icon(picture), t(key));
	const menu = h(
		"div.popover",
		{ id: "popover" },
		h("div.emoji", {}, ...EMOJI.map((sign) => reaction(sign, message.my_reaction === sign, does))),
		item("reply", "reply", does.quote),
		mine && message.type === "text" ? item("edit", "edit", does.edit) : null,
		mine ? item("trash", "revoke", does.revoke) : null,
	);
	near.closest(".row").append(menu);
	const log = near.closest(".log").getBoundingClientRect();
	menu.classList.toggle("below", near.getBoundingClientRect().top - log.top < 190);
}

function reaction(sign, on, does) {
	const label = on ? t("take_back") : t("react", sign);
	const attributes = { type: "button", title: label, "aria-label": label, onclick: () => does.react(on ? "" : sign) };
	return h(`button${on ? ".on" : ""}`, attributes, sign);
}

export function closeMenu() {
	document.getElementById("popover")?.remove();
}

export function closeSheet() {
	host().hidden = true;
}

export function listSheet(message, choose) {
	const { button, sections } = message.part.action;
	const row = (choice) =>
		h(
			"button.choice",
			{ type: "button", onclick: () => (closeSheet(), choose(choice)) },
			h("b", { dir: "auto" }, choice.title),
			h("small", { dir: "auto" }, choice.description ?? ""),
		);
	const rows = sections.flatMap((section) => [
		section.title ? h("h4", { dir: "auto" }, section.title) : null,
		...section.rows.map(row),
	]);
	show(button || t("choose"), h("div.choices", {}, ...rows.filter(Boolean)));
}

export function flowSheet(answer) {
	const answers = h("textarea.json", { dir: "ltr", rows: 6, "aria-label": t("flow_title") });
	answers.value = '{\n  "answer": "yes"\n}';
	const problem = h("p.problem", {});
	const send = () => {
		const data = readObject(answers.value);
		problem.textContent = data ? "" : t("bad_json");
		if (!data) return;
		closeSheet();
		answer(data);
	};
	show(t("flow_title"), answers, problem, h("button.choice.main", { type: "button", onclick: send }, t("send")));
}

function readObject(text) {
	try {
		const data = JSON.parse(text);
		return data && typeof data === "object" && !Array.isArray(data) ? data : null;
	} catch {
		return null;
	}
}

function show(title, ...children) {
	const label = { type: "button", title: t("close"), "aria-label": t("close"), onclick: closeSheet };
	const close = h("button.round.quiet", label, icon("close"));
	const header = h("header", {}, h("b", { dir: "auto" }, title), close);
	host().replaceChildren(h("div.panel", { role: "dialog", "aria-label": title }, header, ...children));
	host().hidden = false;
	close.focus();
}
