// Frappe's own words for "Open" and "Done" mean something else
frappe.meta.get_docfields("WhatsApp Chat").forEach((df) => {
	if (df.fieldtype === "Select")
		df.formatter = (value) => frappe.utils.escape_html(value ? __(value, null, df.parent) : "");
});

frappe.listview_settings["WhatsApp Chat"] = {
	hide_name_column: true,
	add_fields: ["status", "unread_count", "last_message_at"],

	refresh(list) {
		list.realtime_events_setup = false; // another list that was opened since ended our live updates
	},

	onload(list) {
		// Frappe's live update compares with "desc" and would turn the list upside down
		list.sort_order = list.sort_order.toLowerCase();
		frappe.require("whatsapp_integration.bundle.js").then(() => frappe.whatsapp.translate_filters(list));
	},

	get_indicator(doc) {
		const colors = { Open: "green", Done: "gray", Archived: "darkgrey" };
		return [__(doc.status, null, "WhatsApp Chat"), colors[doc.status], `status,=,${doc.status}`];
	},

	formatters: {
		title: (value, df, doc) => (value === doc.phone ? `\u200e${value}` : value || doc.name),
		phone: (value) => `\u200e${frappe.utils.escape_html(value || "")}`, // keeps the + in front, right-to-left too
		unread_count(value) {
			return value ? `<span class="indicator-pill green no-indicator-dot">${value}</span>` : "";
		},
		last_message(value) {
			// "<" of a message is kept as "&lt;"
			const text = frappe.utils.escape_html(frappe.utils.unescape_html(value || ""));
			// cut off at its end in either direction, and still at the column's edge
			return `<div class="ellipsis" dir="auto" style="text-align: match-parent" title="${text}">${text}</div>`;
		},
	},
};
