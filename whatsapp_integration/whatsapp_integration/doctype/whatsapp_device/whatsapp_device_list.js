frappe.listview_settings["WhatsApp Device"] = {
	hide_name_column: true,
	add_fields: ["status", "enabled"],

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
