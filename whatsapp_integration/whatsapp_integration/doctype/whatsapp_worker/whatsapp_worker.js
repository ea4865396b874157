frappe.ui.form.on("WhatsApp Worker", {
	refresh(frm) {
		const is_alive = frm.doc.alive_until / 1000 > Date.now();
		frm.disable_form();
		frm.page.set_indicator(
			is_alive ? __("Alive", null, "WhatsApp Worker") : __("Gone", null, "WhatsApp Worker"),
			is_alive ? "green" : "red"
		);
		if (is_alive) return;
		frm.set_intro(
			__("This worker gives no sign of life. Its devices wait until it, or another one, is started."),
			"red"
		);
	},
});
