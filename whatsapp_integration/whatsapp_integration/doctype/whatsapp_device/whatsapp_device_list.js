// Frappe's own words for "Blocked" mean something else
frappe.meta.get_docfields("WhatsApp Device").forEach((df) => {
	if (df.fieldtype === "Select")
		df.formatter = (value) => frappe.utils.escape_html(value ? __(value, null, df.parent) : "");
});

frappe.listview_settings["WhatsApp Device"] = {
	hide_name_column: true,
	add_fields: ["status", "enabled"],

	refresh(list) {
		list.realtime_events_setup = false; // another list that was opened since ended our live updates
	},

	onload(list) {
		frappe.require("whatsapp_integration.bundle.js").then(() => frappe.whatsapp.translate_filters(list));
	},

	formatters: {
		phone_number: (value) => `\u200e${frappe.utils.escape_html(value || "")}`, // keeps the + in front, right-to-left too
	},

	get_indicator(doc) {
		if (!doc.enabled) return [__("Disabled"), "darkgrey", "enabled,=,0"];
		const colors = {
			Connected: "green",
			Authenticated: "blue",
			"QR Ready": "blue",
			Initializing: "light-blue",
			Reconnecting: "orange",
			Degraded: "orange",
			Paused: "yellow",
			"Logged Out": "red",
			"Auth Failed": "red",
			Blocked: "red",
		};
		return [
			__(doc.status, null, "WhatsApp Device"),
			colors[doc.status] || "gray",
			`status,=,${doc.status}`,
		];
	},
};
