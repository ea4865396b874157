frappe.listview_settings["WhatsApp Webhook Event"] = {
	get_indicator(doc) {
		const colors = { Pending: "orange", Done: "green", Failed: "red" };
		return [__(doc.status, null, "WhatsApp Webhook Event"), colors[doc.status], `status,=,${doc.status}`];
	},
};
