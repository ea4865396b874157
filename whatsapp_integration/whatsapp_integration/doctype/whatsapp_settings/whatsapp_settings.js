const LEFT_TO_RIGHT = [
	"graph_url",
	"graph_version",
	"media_hosts",
	"web_url",
	"wa_js_version",
	"wa_js_path",
	"browser_path",
	"driver_path",
];

frappe.ui.form.on("WhatsApp Settings", {
	refresh(frm) {
		frappe.require(["whatsapp_integration.bundle.js", "whatsapp_integration.bundle.css"]).then(() => {
			frm.get_field("risk_note").$wrapper.html(frappe.whatsapp.risk_note());
			frappe.whatsapp.left_to_right(frm, LEFT_TO_RIGHT);
		});
	},
});
