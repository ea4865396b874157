app_name = "whatsapp_integration"
app_title = "WhatsApp Integration"
app_publisher = "WhatsApp Integration contributors"
app_description = "Talk to your customers on WhatsApp from Frappe and ERPNext"
app_email = "support@example.com"
app_license = "mit"
app_logo_url = "/assets/whatsapp_integration/images/logo.svg"

require_type_annotated_api_methods = True
export_python_type_annotations = True

add_to_apps_screen = [
	{
		"name": "whatsapp_integration",
		"logo": "/assets/whatsapp_integration/images/logo.svg",
		"title": "WhatsApp",
		"route": "/app/whatsapp",
		"has_permission": "whatsapp_integration.permissions.may_use_app",
	}
]

before_install = (
	"frappe.setup_module_map"  # a running site may have cached the modules before this app joined
)
after_install = "whatsapp_integration.install.after_install"
before_uninstall = "whatsapp_integration.install.before_uninstall"
after_uninstall = "whatsapp_integration.install.after_uninstall"
after_app_install = "whatsapp_integration.install.after_app_install"
before_app_uninstall = "whatsapp_integration.install.before_app_uninstall"

permission_query_conditions = {
	"WhatsApp Device": "whatsapp_integration.permissions.device_query",
	"WhatsApp Chat": "whatsapp_integration.permissions.chat_query",
	"WhatsApp Message Log": "whatsapp_integration.permissions.message_query",
}
has_permission = {
	"WhatsApp Device": "whatsapp_integration.permissions.has_device_permission",
	"WhatsApp Chat": "whatsapp_integration.permissions.has_row_permission",
	"WhatsApp Message Log": "whatsapp_integration.permissions.has_row_permission",
}

after_request = ["whatsapp_integration.api.webhook.refuse_unreadable"]

scheduler_events = {
	"cron": {
		"* * * * *": [
			"whatsapp_integration.tasks.dispatch",
			"whatsapp_integration.tasks.process_webhooks",
			"whatsapp_integration.tasks.fetch_media",
			"whatsapp_integration.tasks.watch_linked_devices",
		]
	},
	"hourly": ["whatsapp_integration.tasks.settle_unknown"],
}

persistent_cache_keys = [
	"whatsapp_link:"  # the codes on offer; saving any User clears the site's cache
]

default_log_clearing_doctypes = {"WhatsApp Webhook Event": 30}
