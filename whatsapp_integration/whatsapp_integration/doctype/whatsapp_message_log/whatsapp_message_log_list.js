// Frappe's own words for "Read" and "Failed" mean something else
frappe.meta.get_docfields("WhatsApp Message Log").forEach((df) => {
	if (df.fieldtype === "Select")
		df.formatter = (value) => frappe.utils.escape_html(value ? __(value, null, df.parent) : "");
});

frappe.listview_settings["WhatsApp Message Log"] = {
	hide_name_column: true,
	add_fields: ["status", "direction"],

	get_indicator(doc) {
		const colors = {
			Queued: "gray",
			Held: "yellow",
			Sending: "light-blue",
			Unknown: "orange",
			Sent: "blue",
			Delivered: "cyan",
			Read: "green",
			Played: "green",
			Failed: "red",
			Cancelled: "darkgrey",
			Received: "purple",
		};
		return [__(doc.status, null, "WhatsApp Message Log"), colors[doc.status], `status,=,${doc.status}`];
	},

	formatters: {
		recipient: (value) => `\u200e${value || ""}`, // keeps the + in front, right-to-left too
		message_type: (value) => __(value, null, "WhatsApp Message Log"),
		direction(value) {
			const icon = value === "Incoming" ? "arrow-down-left" : "arrow-up-right";
			return `${frappe.utils.icon(icon, "xs")} ${__(value)}`;
		},
		body(value) {
			// "<" of a message is kept as "&lt;"
			const text = frappe.utils.escape_html(frappe.utils.unescape_html(value || ""));
			// cut off at its end in either direction, and still at the column's edge
			return `<div class="ellipsis" dir="auto" style="text-align: match-parent" title="${text}">${text}</div>`;
		},
	},

	refresh(list) {
		list.realtime_events_setup = false; // another list that was opened since ended our live updates
	},

	onload(list) {
		// Frappe's live update compares with "desc" and would turn the list upside down
		list.sort_order = list.sort_order.toLowerCase();
		frappe.require("whatsapp_integration.bundle.js").then(() => frappe.whatsapp.translate_filters(list));
		const act = (run) => () => {
			const rows = list.get_checked_items();
			const done = () => {
				list.clear_checked_items();
				list.refresh();
			};
			frappe.require("whatsapp_integration.bundle.js").then(() => run(rows, done));
		};
		list.page.add_actions_menu_item(
			__("Retry"),
			act((rows, done) => frappe.whatsapp.retry(rows, done))
		);
		list.page.add_actions_menu_item(
			__("Cancel"),
			act((rows, done) =>
				frappe.whatsapp
					.act(
						"cancel",
						rows.map((row) => row.name)
					)
					.then(done)
			)
		);
	},
};
