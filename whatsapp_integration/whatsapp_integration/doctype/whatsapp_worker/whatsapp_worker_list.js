frappe.listview_settings["WhatsApp Worker"] = {
	hide_name_column: true,
	add_fields: ["alive_until"],

	get_indicator(doc) {
		// a worker says until when it counts as alive, in microseconds
		return doc.alive_until / 1000 > Date.now()
			? [__("Alive", null, "WhatsApp Worker"), "green", `alive_until,>,${Date.now() * 1000}`]
			: [__("Gone", null, "WhatsApp Worker"), "red", `alive_until,<=,${Date.now() * 1000}`];
	},
};
