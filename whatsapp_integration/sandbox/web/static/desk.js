/* The desk beside the phone: codes to scan, linked browsers, misbehaviours. */

import { h } from "/static/dom.js";
import { number, t } from "./texts.js";

const $ = (id) => document.getElementById(id);
const SECONDS = 30; // of what is slow or busy
const OF_ACCOUNT = ["offline", "conflict", "reload", "dead", "busy", "slow_boot", "not_ready", "deprecated", "banned", "account_locked"];
const OF_CUSTOMER = ["not_on_whatsapp", "hang", "accepted_hang", "error_network", "error_expired", "throws", "no_acks"];
const MOMENTS = new Set(["conflict", "reload", "dead", "busy", "account_locked"]);
let ask;

export function listenDesk(page, asking) {
	ask = asking;
	$("typed").addEventListener("submit", async (event) => {
		event.preventDefault();
		const code = $("typed-code").value.trim();
		const verb = code.includes("@") ? "scan" : "enter_pairing_code";
		if (code && (await ask(verb, { code, number: page.account }))) $("typed-code").value = "";
	});
}

export function drawDesk(page) {
	const devices = page.data.companions.filter((device) => device.account === page.account);
	place($("codes"), page, page.data.codes, codeCard, "no_codes");
	place($("devices"), page, devices, deviceRow, "no_devices");
	$("trouble").replaceChildren(...trouble(page));
}

/* Drawn again only when it is another: a picture that is loaded stays. */
function place(home, page, rows, draw, none) {
	const shown = JSON.stringify([page.account, rows]);
	if (home.shown === shown) return;
	home.shown = shown;
	home.replaceChildren(...(rows.length ? rows.map((row) => draw(page, row)) : [h("p.note", {}, t(none))]));
}

function codeCard(page, { code, pairing_code, phone }) {
	if (pairing_code) {
		const enter = () => ask("enter_pairing_code", { code: pairing_code, number: phone });
		return h(
			"div.qr-card",
			{},
			h("p.note", {}, t("pairing_for", number(phone))),
			h("p.letters", { dir: "ltr" }, `${pairing_code.slice(0, 4)}-${pairing_code.slice(4)}`),
			h("button.button", { type: "button", onclick: enter }, t("enter")),
		);
	}
	const name = page.data.accounts.find((account) => account.number === page.account)?.name ?? "";
	return h(
		"div.qr-card",
		{},
		h("img", { src: `/web/qr.png?code=${encodeURIComponent(code)}`, alt: "QR", "data-code": code }),
		h("button.button.scan", { type: "button", "data-as": page.account, onclick: () => ask("scan", { code, number: page.account }) }, t("scan", name)),
	);
}

function deviceRow(page, device) {
	const end = () => ask("log_out", { number: page.account, session: device.session });
	return h(
		"div.device",
		{},
		h(`i.dot${device.is_online ? ".on" : ""}`),
		h("span", {}, t("device", device.device), h("small", {}, t(device.is_online ? "online" : "offline"))),
		h("button.button.quiet", { type: "button", "data-session": device.session, onclick: end }, t("log_out")),
	);
}

function trouble(page) {
	const { switched } = page.data.faults;
	const ofAccount = { account: page.account };
	const groups = [
		h("h3", {}, t("of_account")),
		h("div.faults", {}, ...OF_ACCOUNT.map((kind) => fault(kind, ofAccount, switched))),
	];
	if (page.customer && !page.customer.group) {
		const customer = { customer: page.customer.number };
		groups.push(
			h("h3", {}, t("of_customer", page.customer.name || number(page.customer.number))),
			h("div.faults", {}, ...OF_CUSTOMER.map((kind) => fault(kind, customer, switched)), lidSwitch(page.customer)),
		);
	}
	return groups;
}

function fault(kind, about, switched) {
	const isOn = switched.some(
		(row) => row.kind === kind && row.account === (about.account ?? "") && row.customer === (about.customer ?? ""),
	);
	const press = () => (isOn ? ask("behave", { kind, ...about }) : ask("misbehave", { kind, ...about, seconds: SECONDS }));
	const pressed = MOMENTS.has(kind) ? null : String(isOn);
	return h("button.fault", { type: "button", "aria-pressed": pressed, onclick: press }, t(kind === "offline" ? "no_network" : kind));
}

function lidSwitch(customer) {
	const press = () => ask("customer", { number: customer.number, lid_only: !customer.lid_only });
	const label = t(customer.lid_only ? "show_number" : "hide_number");
	return h("button.fault", { type: "button", "aria-pressed": String(Boolean(customer.lid_only)), onclick: press }, label);
}
