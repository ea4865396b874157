frappe.ui.form.on("WhatsApp Webhook Event", {
	refresh(frm) {
		frm.disable_save();
	},
});
