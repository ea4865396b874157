// Before the other parts, which hang their functions there.
frappe.provide("frappe.whatsapp");
