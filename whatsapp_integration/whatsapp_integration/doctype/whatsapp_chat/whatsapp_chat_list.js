frappe.listview_settings["WhatsApp Chat"] = {
	hide_name_column: true,
	add_fields: ["status", "unread_count"],

	get_indicator(doc) {
		const colors = { Open: "green", Done: "gray", Archived: "darkgrey" };
		return [__(doc.status, null, doc.doctype), colors[doc.status], `status,=,${doc.status}`];
	},

	formatters: {
		unread_count(value) {
			return value ? `<span class="indicator-pill green no-indicator-dot">${value}</span>` : "";
		},
		last_message(value) {
			return `<bdi>${frappe.utils.escape_html(value || "")}</bdi>`;
		},
	},
};
