/* The page's words. */

const ENGLISH = {
	title: "Sandbox phone",
	subtitle: "You are the customer",
	other_language: "العربية",
	new_customer: "New customer",
	new_hint: "+20 100 123 4567 Sara",
	chats: "Chats",
	no_chats: "No chats yet. Enter a customer's number above, or send a message from the app.",
	no_webhook: "No webhook is connected: what you write here reaches nobody yet.",
	business_number: "Business number",
	auto_read: "Read by itself",
	auto_read_hint: "Off: read when you open the chat",
	back: "Back to the chats",
	conversation: "Conversation",
	attach: "Attach a file",
	write: "Write a message",
	send: "Send",
	drop: "Drop files here",
	empty_title: "Pick a customer",
	empty_text: "Choose a chat, or enter a number to write as a new customer.",
	no_messages: "No messages yet. Write the first one.",
	typing: "typing…",
	business_account: "Business account",
	you: "You",
	reply: "Reply",
	edit: "Edit",
	revoke: "Delete for everyone",
	more: "React or reply",
	react: "React with {0}",
	take_back: "Take the reaction back",
	cancel: "Cancel",
	close: "Close",
	edited: "edited",
	forwarded: "Forwarded",
	revoked: "This message was deleted",
	not_delivered: "Not delivered: {0} {1}",
	unsupported: "This phone can't show a message of type {0}",
	image: "Photo",
	video: "Video",
	audio: "Audio",
	voice: "Voice note",
	document: "Document",
	sticker: "Sticker",
	location: "Location",
	contacts: "Contact",
	interactive: "Answer",
	template: "Template",
	reaction: "Reaction {0}",
	button: "Answer",
	open_map: "Open in a map",
	send_location: "Send location",
	choose: "Choose",
	flow_title: "Answers of the form, as JSON",
	bad_json: "This is no JSON object.",
	ticks_posted: "Sent",
	ticks_acknowledged: "Received by the app",
	ticks_lost: "The app did not take it",
	ticks_read: "Read by the business",
	today: "Today",
	yesterday: "Yesterday",
	copied: "Copied",
	failed: "That did not work: {0}",
	bad_number: "Enter a number with its country code.",
	remove: "Remove",
};

const ARABIC = {
	title: "هاتف التجربة",
	subtitle: "أنت هنا العميل",
	other_language: "English",
	new_customer: "عميل جديد",
	new_hint: "‎+20 100 123 4567 سارة",
	chats: "المحادثات",
	no_chats: "لا توجد محادثات بعد. اكتب رقم عميل في الأعلى، أو أرسل رسالة من التطبيق.",
	no_webhook: "لا يوجد webhook متصل: ما تكتبه هنا لا يصل إلى أحد بعد.",
	business_number: "رقم الشركة",
	auto_read: "قراءة تلقائية",
	auto_read_hint: "عند الإيقاف: تُقرأ حين تفتح المحادثة",
	back: "العودة إلى المحادثات",
	conversation: "المحادثة",
	attach: "إرفاق ملف",
	write: "اكتب رسالة",
	send: "إرسال",
	drop: "أفلت الملفات هنا",
	empty_title: "اختر عميلًا",
	empty_text: "اختر محادثة، أو اكتب رقمًا لتراسل الشركة كعميل جديد.",
	no_messages: "لا توجد رسائل بعد. اكتب الرسالة الأولى.",
	typing: "يكتب الآن…",
	business_account: "حساب أعمال",
	you: "أنت",
	reply: "رد",
	edit: "تعديل",
	revoke: "حذف لدى الجميع",
	more: "تفاعل أو رد",
	react: "تفاعل بـ {0}",
	take_back: "سحب التفاعل",
	cancel: "إلغاء",
	close: "إغلاق",
	edited: "معدّلة",
	forwarded: "محوّلة",
	revoked: "حُذفت هذه الرسالة",
	not_delivered: "لم تصل: {0} {1}",
	unsupported: "لا يستطيع هذا الهاتف عرض رسالة من نوع {0}",
	image: "صورة",
	video: "فيديو",
	audio: "مقطع صوتي",
	voice: "رسالة صوتية",
	document: "مستند",
	sticker: "ملصق",
	location: "موقع",
	contacts: "جهة اتصال",
	interactive: "إجابة",
	template: "قالب",
	reaction: "تفاعل {0}",
	button: "إجابة",
	open_map: "فتح في خريطة",
	send_location: "إرسال الموقع",
	choose: "اختر",
	flow_title: "إجابات النموذج بصيغة JSON",
	bad_json: "هذا ليس كائن JSON.",
	ticks_posted: "أُرسلت",
	ticks_acknowledged: "وصلت إلى التطبيق",
	ticks_lost: "لم يستلمها التطبيق",
	ticks_read: "قرأتها الشركة",
	today: "اليوم",
	yesterday: "أمس",
	copied: "تم النسخ",
	failed: "تعذّر ذلك: {0}",
	bad_number: "اكتب الرقم مع رمز البلد.",
	remove: "إزالة",
};

export const language = new URLSearchParams(location.search).get("lang") === "ar" ? "ar" : "en";
const words = language === "ar" ? ARABIC : ENGLISH;

/* The text of a key with its {0} places filled. */
export function t(key, ...values) {
	return (words[key] ?? key).replace(/\{(\d)\}/g, (place, index) => values[index] ?? place);
}

/* Put the words into the page: data-t text, data-t-label name for screen readers, data-t-hint placeholder. */
export function translatePage() {
	document.documentElement.lang = language;
	document.documentElement.dir = language === "ar" ? "rtl" : "ltr";
	document.title = t("title");
	for (const node of document.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
	for (const node of document.querySelectorAll("[data-t-label]")) {
		node.setAttribute("aria-label", t(node.dataset.tLabel));
		if (node.tagName === "BUTTON") node.title = t(node.dataset.tLabel);
	}
	for (const node of document.querySelectorAll("[data-t-hint]")) node.placeholder = t(node.dataset.tHint);
}

export function clock(seconds) {
	return new Date(seconds * 1000).toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit" });
}

export function day(seconds) {
	const date = new Date(seconds * 1000);
	const age = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(date).setHours(0, 0, 0, 0)) / 864e5);
	if (age === 0) return t("today");
	if (age === 1) return t("yesterday");
	return date.toLocaleDateString(language, { day: "numeric", month: "long", year: "numeric" });
}
