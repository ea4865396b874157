frappe.listview_settings["WhatsApp Chat"] = {
	hide_name_column: true,
	add_fields: ["status", "unread_count", "last_message_at"],

	onload(list) {
		// Frappe's live update compares with "desc" and would turn the list upside down
		list.sort_order = list.sort_order.toLowerCase();
	},

	get_indicator(doc) {
		const colors = { Open: "green", Done: "gray", Archived: "darkgrey" };
		return [__(doc.status, null, "WhatsApp Chat"), colors[doc.status], `status,=,${doc.status}`];
	},

	formatters: {
		phone: (value) => `\u200e${frappe.utils.escape_html(value || "")}`, // keeps the + in front, right-to-left too
		unread_count(value) {
			return value ? `<span class="indicator-pill green no-indicator-dot">${value}</span>` : "";
		},
		last_message(value) {
			return `<bdi>${frappe.utils.escape_html(value || "")}</bdi>`;
		},
	},
};
