frappe.ui.form.on("WhatsApp Message Log", {
	refresh(frm) {
		frm.disable_save();
		add_buttons(frm);
		frappe
			.require(["whatsapp_integration.bundle.js", "whatsapp_integration.bundle.css"])
			.then(() => show_overview(frm));
	},
});

function add_buttons(frm) {
	const reload = () => frm.reload_doc();
	const run = (action) => () => frappe.require("whatsapp_integration.bundle.js").then(action);
	const { status } = frm.doc;
	if (["Failed", "Unknown", "Held"].includes(status)) {
		const label = status === "Held" ? __("Send Now") : __("Retry");
		const button = frm.add_custom_button(label, run(() => frappe.whatsapp.retry([frm.doc], reload)));
		button.removeClass("btn-default").addClass("btn-primary");
	}
	if (["Queued", "Held"].includes(status)) {
		frm.add_custom_button(
			__("Cancel Message"),
			run(() => frappe.whatsapp.act("cancel", [frm.doc.name]).then(reload))
		);
	}
}

function show_overview(frm) {
	frappe.whatsapp.left_to_right(frm, ["recipient"]);
	frm.get_field("overview").$wrapper.html(
		`${problem(frm.doc)}${steps(frm.doc)}<div class="wa-chat">${frappe.whatsapp.bubble(frm.doc)}</div>`
	);
}

function problem(doc) {
	const said = {
		Failed: ["danger", __("This message was not delivered")],
		Held: ["warning", __("This message is held back")],
		Unknown: ["warning", __("It is not known whether this message was sent")],
	}[doc.status];
	if (!said && !doc.error_text) return "";
	const [color, title] = said || ["warning", __("The last attempt did not succeed")];
	const escape = frappe.utils.escape_html;
	const code = doc.error_code ? `<small>${__("Error code")}: <bdi>${escape(doc.error_code)}</bdi></small>` : "";
	return `<div class="alert alert-${color}" role="alert">
		<b>${title}</b>
		${doc.error_text ? `<div dir="auto">${escape(__(doc.error_text))}</div>` : ""}
		${doc.advice ? `<div class="mt-2" dir="auto">${escape(__(doc.advice))}</div>` : ""}
		${code}
	</div>`;
}

/** The life of the message as a row of steps; an incoming one has a single step. */
function steps(doc) {
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
		return list([...items.slice(0, last), step(doc.status, doc.failed_at || doc.modified, "wa-bad")]);
	}
	if (["Held", "Sending", "Unknown"].includes(doc.status)) {
		items.splice(1, 0, step(doc.status, "", "wa-wait"));
	}
	return list(items);
}

function step(status, time, kind) {
	return `<li class="${kind}">${frappe.whatsapp.status_label(status)}<small><bdi>${time ? frappe.datetime.str_to_user(time) : ""}</bdi></small></li>`;
}

function list(items) {
	return `<ul class="wa-steps">${items.join("")}</ul>`;
}
