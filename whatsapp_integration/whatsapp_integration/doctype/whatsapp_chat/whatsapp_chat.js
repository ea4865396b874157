frappe.ui.form.on("WhatsApp Chat", {
	refresh(frm) {
		frm.add_custom_button(__("Send Message"), () => ask_and_send(frm))
			.removeClass("btn-default")
			.addClass("btn-primary");
		frappe
			.require(["whatsapp_integration.bundle.js", "whatsapp_integration.bundle.css"])
			.then(() => show_title(frm))
			.then(() => show_conversation(frm))
			.then(() => follow_messages(frm));
		mark_read(frm);
	},
});

function mark_read(frm) {
	if (frm.doc.unread_count && frm.perm[0]?.write) {
		frappe.xcall("whatsapp_integration.api.chats.mark_read", { chat: frm.doc.name });
	}
}

function show_title(frm) {
	frappe.whatsapp.set_title(frm, frm.doc.title, frm.doc.phone);
	frappe.whatsapp.own_direction(frm, ["title"]);
	frappe.whatsapp.left_to_right(frm, ["phone", "remote_id", "user_id", "last_incoming_id"]);
}

async function show_conversation(frm) {
	const messages = await frappe.db.get_list("WhatsApp Message Log", {
		filters: { chat: frm.doc.name },
		fields: frappe.whatsapp.FIELDS,
		order_by: "creation desc",
		limit: 30,
	});
	const bubbles = messages.reverse().map((message) => frappe.whatsapp.bubble(message));
	const empty = `<div class="text-muted text-center">${__("No messages yet.")}</div>`;
	const $wrapper = frm.get_field("conversation").$wrapper;
	$wrapper.html(`<div class="wa-chat">${bubbles.join("") || empty}</div>`);
	const chat = $wrapper.find(".wa-chat").get(0);
	chat.scrollTop = chat.scrollHeight;
}

/** Ticks change without the chat row changing: follow the log as its list view does. */
function follow_messages(frm) {
	frappe.realtime.doctype_subscribe("WhatsApp Message Log");
	if (frm.on_message) frappe.realtime.off("list_update", frm.on_message); // without a handler it would end all
	const refresh = frappe.utils.debounce(() => cur_frm === frm && show_conversation(frm), 500);
	frm.on_message = (data) => data.doctype === "WhatsApp Message Log" && refresh();
	frappe.realtime.on("list_update", frm.on_message);
}

function ask_and_send(frm) {
	frappe.prompt(
		[
			{ fieldname: "text", fieldtype: "Small Text", label: __("Text"), reqd: 1 },
			{ fieldname: "hint", fieldtype: "HTML", options: window_hint(frm.doc) },
		],
		({ text }) =>
			frappe
				.call("whatsapp_integration.api.messages.send", { chat: frm.doc.name, text })
				.then(() => frm.reload_doc()),
		__("Send Message to {0}", [frm.doc.title || frm.doc.phone]),
		__("Send")
	);
}

function window_hint(doc) {
	if (!doc.window_end || doc.window_end > frappe.datetime.now_datetime()) return "";
	return `<div class="text-muted">${__(
		"The customer last wrote more than 24 hours ago. An Official device may then send templates only."
	)}</div>`;
}
