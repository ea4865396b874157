frappe.listview_settings["WhatsApp Webhook Event"] = {
	get_indicator(doc) {
		const colors = { Pending: "orange", Done: "green", Failed: "red" };
		return [__(doc.status, null, doc.doctype), colors[doc.status], `status,=,${doc.status}`];
	},
};
