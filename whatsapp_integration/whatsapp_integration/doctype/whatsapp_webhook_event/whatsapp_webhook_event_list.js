// Frappe's own words for "Failed" mean something else
frappe.meta.get_docfields("WhatsApp Webhook Event").forEach((df) => {
	if (df.fieldtype === "Select")
		df.formatter = (value) => frappe.utils.escape_html(value ? __(value, null, df.parent) : "");
});

frappe.listview_settings["WhatsApp Webhook Event"] = {
	onload(list) {
		frappe.require("whatsapp_integration.bundle.js").then(() => frappe.whatsapp.translate_filters(list));
	},

	get_indicator(doc) {
		const colors = { Pending: "orange", Done: "green", Failed: "red" };
		return [__(doc.status, null, "WhatsApp Webhook Event"), colors[doc.status], `status,=,${doc.status}`];
	},
};
