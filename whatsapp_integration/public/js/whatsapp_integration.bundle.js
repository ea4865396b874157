// What the forms share: message bubbles, ticks, and calls that act on messages.
import "./provide.js";
import "./linking.js";
import "./linked_device.js";

// "<" of a message is kept as "&lt;" in the database, since Frappe shows texts as HTML in many places
const escape = (text) => frappe.utils.escape_html(frappe.utils.unescape_html(text ?? ""));
const TICKS = {
	Queued: ["🕓", ""],
	Held: ["🕓", ""],
	Sending: ["🕓", ""],
	Unknown: ["?", "wa-problem"],
	Sent: ["✓", ""],
	Delivered: ["✓✓", ""],
	Read: ["✓✓", "wa-read"],
	Played: ["✓✓", "wa-read"],
	Failed: ["!", "wa-problem"],
	Cancelled: ["✕", ""],
};

function set_direction(frm, fields, direction) {
	fields.forEach((field) =>
		frm.get_field(field).$wrapper.find("input, .control-value").attr("dir", direction)
	);
}

Object.assign(frappe.whatsapp, {
	status_label: (status) => __(status, null, "WhatsApp Message Log"),

	FIELDS: [
		"name",
		"creation",
		"direction",
		"status",
		"message_type",
		"body",
		"content",
		"attachment",
		"media_filename",
		"media_state",
		"mime_type",
		"message_time",
		"sent_at",
		"is_edited",
		"is_revoked",
		"is_forwarded",
		"is_echo",
		"reaction",
		"contact_name",
		"error_text",
	],

	/** Phone numbers and ids keep their order on a right-to-left desk. */
	left_to_right: (frm, fields) => set_direction(frm, fields, "ltr"),

	/** Names stand in their own direction, and a number in place of one in its. */
	own_direction: (frm, fields) => set_direction(frm, fields, "auto"),

	/** A sentence as HTML, in its own direction and the phone numbers in it in theirs. */
	sentence(text) {
		const said = escape(text).replace(/\+?\d[\d\s().-]{5,}\d/g, '<bdi dir="ltr">$&</bdi>');
		return said && `<div dir="auto" class="wa-sentence">${said}</div>`;
	},

	/** Read-only texts that may name phone numbers. */
	show_sentences(frm, fields) {
		fields.forEach((field) => {
			frm.get_field(field).df.formatter = (value) => frappe.whatsapp.sentence(__(value));
			frm.refresh_field(field);
		});
	},

	/** The contact and the number as the heading of a form; the row's own name says nothing. */
	set_title(frm, name, number) {
		const parts = [name !== number && escape(name), number && `\u2066${escape(number)}\u2069`];
		frm.page.set_title(parts.filter(Boolean).join(" · ") || frm.doc.name);
		frm.page.$title_area.find(".title-text").attr("dir", "auto");
	},

	/** The options of a list's filters in the words of its DocType: Frappe has other ones for "Read" or "Open". */
	translate_filters(list) {
		Object.values(list.page.fields_dict).forEach((control) => {
			if (control.df.fieldtype !== "Select" || control.df.context) return;
			control.df.context = list.doctype;
			const value = control.$input.val();
			control.last_options = null;
			control.set_options();
			control.$input.val(value);
			control.toggle_placeholder?.();
		});
	},

	/** Points of a check-up as HTML: {label, ok, detail, advice} of each. */
	checks(checks) {
		const rows = checks.map(
			(check) => `<div class="wa-check">
				<span class="indicator ${check.ok ? "green" : "red"}"></span>
				<div><b>${escape(check.label)}</b>
					${frappe.whatsapp.sentence(check.detail)}
					<div class="text-muted">${frappe.whatsapp.sentence(check.advice)}</div>
				</div>
			</div>`
		);
		return rows.join("");
	},

	/** One message as the customer sees it, as HTML. */
	bubble(message) {
		const side = message.direction === "Incoming" ? "wa-in" : "wa-out";
		const reaction = message.reaction
			? `<span class="wa-reaction">${escape(message.reaction)}</span>`
			: "";
		return `<div class="wa-bubble ${side}">
			${labels(message)}
			${message.is_revoked ? revoked() : media(message) + text(message) + choices(message)}
			<div class="wa-foot">${time(message)} ${ticks(message)}</div>${reaction}
		</div>`;
	},

	/** The life of an outgoing message as a row of steps. */
	steps(doc) {
		if (doc.direction === "Incoming") return "";
		const ladder = [
			["Queued", doc.creation],
			["Sent", doc.sent_at],
			["Delivered", doc.delivered_at],
			["Read", doc.read_at],
		];
		const reached = { Sent: 1, Delivered: 2, Read: 3, Played: 3 }[doc.status] ?? 0;
		const items = ladder.map(([label, time], index) => {
			const done = index <= reached || Boolean(time);
			return step(label, time, done ? "wa-done" : "");
		});
		if (doc.played_at) items.push(step("Played", doc.played_at, "wa-done"));
		if (["Failed", "Cancelled"].includes(doc.status)) {
			const last = doc.sent_at ? 2 : 1;
			return list_steps([
				...items.slice(0, last),
				step(doc.status, doc.failed_at || doc.modified, "wa-bad"),
			]);
		}
		if (["Held", "Sending", "Unknown"].includes(doc.status)) {
			items.splice(1, 0, step(doc.status, "", "wa-wait"));
		}
		return list_steps(items);
	},

	/** Retry or cancel messages, and say which were left alone and why. */
	act(method, names) {
		return frappe
			.call({
				method: `whatsapp_integration.api.messages.${method}`,
				args: { messages: names },
				freeze: true,
			})
			.then(({ message }) => {
				if (message.done.length) {
					const count = [message.done.length];
					const said =
						method === "retry" ? __("{0} queued again", count) : __("{0} cancelled", count);
					frappe.show_alert({ message: said, indicator: "green" });
				}
				if (message.left.length) {
					const link = (name) => frappe.utils.get_form_link("WhatsApp Message Log", name, true);
					const rows = message.left.map(
						(row) => `<li><bdi>${link(row.name)}</bdi>: <bdi>${escape(row.reason)}</bdi></li>`
					);
					frappe.msgprint({ title: __("Left as they were"), message: `<ul>${rows.join("")}</ul>` });
				}
			});
	},

	/** Retry after asking, when one of the messages may have arrived already. */
	retry(messages, done) {
		const names = messages.map((message) => message.name);
		const run = () => frappe.whatsapp.act("retry", names).then(done);
		if (!messages.some((message) => message.status === "Unknown")) return run();
		frappe.confirm(
			__(
				"Nobody knows yet whether the message reached WhatsApp. Sent again, the customer may get it twice. Send it again?"
			),
			run
		);
	},
});

function step(status, time, kind) {
	const moment = time ? frappe.datetime.str_to_user(time) : "";
	return `<li class="${kind}">${frappe.whatsapp.status_label(
		status
	)}<small><bdi>${moment}</bdi></small></li>`;
}

function list_steps(items) {
	return `<ul class="wa-steps">${items.join("")}</ul>`;
}

function labels(message) {
	const all = [
		message.is_forwarded && __("Forwarded"),
		message.is_echo && __("Sent from the Phone"),
		message.message_type === "template" && __("Template"),
		message.message_type === "unsupported" && __("Unsupported message type"),
	].filter(Boolean);
	return all.length ? `<div class="wa-label">${all.map(escape).join(" · ")}</div>` : "";
}

function revoked() {
	return `<em class="text-muted">${__("This message was deleted by its sender.")}</em>`;
}

function media(message) {
	const { media_state, attachment, message_type } = message;
	if (!attachment) {
		if (media_state === "Pending")
			return `<div class="wa-file">${__("The file is being fetched …")}</div>`;
		if (media_state === "Failed")
			return `<div class="wa-file">${__("The file could not be fetched.")}</div>`;
		return "";
	}
	if (!attachment.startsWith("/")) return "";
	const url = escape(attachment.split("/").map(encodeURIComponent).join("/"));
	if (["image", "sticker"].includes(message_type)) {
		return `<a href="${url}" target="_blank" rel="noopener"><img class="wa-${message_type}" src="${url}"></a>`;
	}
	if (message_type === "video")
		return `<video class="wa-image" controls preload="metadata" src="${url}"></video>`;
	if (["audio", "voice"].includes(message_type))
		return `<audio controls preload="none" src="${url}"></audio>`;
	const name = message.media_filename || attachment.split("/").pop();
	return `<a class="wa-file" href="${url}" target="_blank" rel="noopener">${frappe.utils.icon("file", "sm")}
		<bdi>${escape(name)}</bdi></a>`;
}

function text(message) {
	const content = content_of(message);
	if (message.message_type === "location" && content.latitude !== undefined) {
		const place = `${content.latitude},${content.longitude}`;
		return `<a class="wa-file" target="_blank" rel="noopener"
			href="https://www.openstreetmap.org/?mlat=${Number(content.latitude)}&mlon=${Number(content.longitude)}">
			${frappe.utils.icon("map", "sm")} <bdi>${escape(message.body || place)}</bdi></a>`;
	}
	if (message.attachment && message.body === message.media_filename) return "";
	return message.body ? `<div class="wa-text" dir="auto">${escape(message.body)}</div>` : "";
}

function choices(message) {
	const content = content_of(message);
	const list = (value) => (Array.isArray(value) ? value : []);
	const titles = [
		...list(content.buttons).map((button) => button.title),
		...list(content.sections).flatMap((section) => list(section.rows).map((row) => row.title)),
		content.display_text,
		content.flow_cta,
	].filter(Boolean);
	return titles.map((title) => `<div class="wa-choice" dir="auto">${escape(title)}</div>`).join("");
}

function content_of(message) {
	try {
		return (typeof message.content === "string" ? JSON.parse(message.content) : message.content) || {};
	} catch {
		return {};
	}
}

function time(message) {
	const moment = message.message_time || message.sent_at || message.creation;
	const edited = message.is_edited ? `${__("Edited")} · ` : "";
	return `${edited}<bdi>${frappe.datetime.str_to_user(moment)}</bdi>`;
}

function ticks(message) {
	if (message.direction === "Incoming") return "";
	const [mark, kind] = TICKS[message.status] || ["", ""];
	return `<span class="wa-ticks ${kind}" title="${frappe.whatsapp.status_label(
		message.status
	)}">${mark}</span>`;
}
