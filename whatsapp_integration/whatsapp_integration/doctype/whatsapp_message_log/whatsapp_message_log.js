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
		const button = frm.add_custom_button(
			label,
			run(() => frappe.whatsapp.retry([frm.doc], reload))
		);
		button.removeClass("btn-default").addClass("btn-primary");
	}
	if (["Queued", "Held"].includes(status)) {
		frm.add_custom_button(
			__("Cancel Message"),
			run(() => frappe.whatsapp.act("cancel", [frm.doc.name]).then(reload))
		);
	}
}

const IDS = [
	"recipient",
	"wa_id",
	"remote_id",
	"reply_to_id",
	"error_code",
	"idempotency_key",
	"media_id",
	"media_sha256",
	"mime_type",
];

function show_overview(frm) {
	frappe.whatsapp.set_title(frm, frm.doc.contact_name, frm.doc.recipient);
	frappe.whatsapp.left_to_right(frm, IDS);
	frappe.whatsapp.own_direction(frm, ["chat"]);
	frappe.whatsapp.show_sentences(frm, ["error_text"]);
	frm.get_field("overview").$wrapper.html(
		`${problem(frm.doc)}${frappe.whatsapp.steps(frm.doc)}<div class="wa-chat">${frappe.whatsapp.bubble(
			frm.doc
		)}</div>`
	);
}

function problem(doc) {
	const said = {
		Failed: ["danger", __("This message was not delivered")],
		Held: ["warning", __("This message is held back")],
		Unknown: ["warning", __("It is not known whether this message was sent")],
	}[doc.status];
	if (!said && !(doc.error_text && ["Queued", "Sending"].includes(doc.status))) return "";
	const [color, title] = said || ["warning", __("The last attempt did not succeed")];
	const code = doc.error_code
		? `<small>${__("Error code")}: <bdi>${frappe.utils.escape_html(doc.error_code)}</bdi></small>`
		: "";
	return `<div class="alert alert-${color}" role="alert">
		<b>${title}</b>
		${frappe.whatsapp.sentence(__(doc.error_text))}
		<div class="my-2">${frappe.whatsapp.sentence(__(doc.advice))}</div>
		${code}
	</div>`;
}
