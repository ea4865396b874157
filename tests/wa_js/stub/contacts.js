// People and chats: who has WhatsApp, under which number and LID, and the chats with them.

import { told } from "./connection.js";
import { createWid } from "./ids.js";
import { define } from "./loader.js";
import { Collection, Emitter, Model } from "./models.js";

/** Everybody that WhatsApp's servers know: {pn, lid, name, business}. */
const people = [];
/** The LIDs that this browser has learnt: LID ↔ phone number. */
const learnt = new Map();
let isMigrated = false;

export class Contact extends Model {
	get displayName() {
		return this.name ?? `+${this.id.user}`;
	}
}
Contact.prototype.proxyName = "contact";

export class Chat extends Model {
	constructor(fields) {
		super({ unreadCount: 0, lastReceivedKey: undefined, ...fields });
		this.msgs = new Collection();
		this.presence = { subscribe: async () => {} };
	}

	get isParentGroup() {
		return false;
	}
}
Chat.prototype.proxyName = "chat";

class ContactCollectionImpl extends Collection {}
class ChatCollectionImpl extends Collection {}
class GroupMetadataCollectionImpl extends Collection {
	_handleParentGroupChange() {}
}

export const ChatStore = new ChatCollectionImpl();
const ContactStore = new ContactCollectionImpl();

/** Somebody on WhatsApp. `known` also puts them into the contacts and the LID cache of this browser. */
export function addPerson({ pn, lid, name, business = false, known = false }) {
	people.push({ pn, lid, name, business });
	if (!known) return;
	ContactStore.add(new Contact({ id: createWid(pn), name, isBusiness: business }));
	learn(pn, lid);
}

/** From now on the chats with people are kept by LID, as after WhatsApp's migration. */
export function migrateToLid() {
	isMigrated = true;
}

function learn(pn, lid) {
	if (lid) learnt.set(pn, lid).set(lid, pn);
}

function lookUp(wid) {
	const found = learnt.get(String(wid));
	return found && createWid(found);
}

async function queryWidExists(wid) {
	told.push(`query ${wid}`);
	const found = people.find(({ pn, lid }) => [pn, lid].includes(String(wid)));
	if (!found) return null;
	learn(found.pn, found.lid);
	return { wid: createWid(found.pn), biz: found.business };
}

/** The chat with this person or group, made when missing; WhatsApp keeps it by LID once it has migrated. */
export async function findOrCreateLatestChat(wid) {
	const isByNumber = isMigrated && wid.server === "c.us";
	const lid = isByNumber && (lookUp(wid) ?? ((await queryWidExists(wid)) && lookUp(wid)));
	const id = lid || wid;
	const created = !ChatStore.get(id);
	return { chat: { id: openChat(id).id }, created };
}

export function openChat(id) {
	return ChatStore.get(id) ?? ChatStore.add(new Chat({ id }));
}

async function sendSeen({ chat }) {
	if (!chat.unreadCount) return;
	told.push(`seen ${chat.id}`);
	chat.unreadCount = 0;
}

const ChatPresence = {
	markComposing: async (chat) => void told.push(`composing ${chat.id}`),
	markRecording: async (chat) => void told.push(`recording ${chat.id}`),
	markPaused: async (chat) => void told.push(`paused ${chat.id}`),
};

function vcardFromContactModel(contact) {
	const phone = `TEL;type=CELL;waid=${contact.id.user}:+${contact.id.user}`;
	const vcard = ["BEGIN:VCARD", "VERSION:3.0", `FN:${contact.displayName}`, phone, "END:VCARD"].join("\n");
	return { displayName: contact.displayName, vcard, isMultiVcard: false };
}

define("WAWebContactModel", { Contact });
define("WAWebContactCollection", { ContactCollection: ContactStore, ContactCollectionImpl });
define("WAWebChatModel", { Chat });
define("WAWebChatCollection", { ChatCollection: ChatStore, ChatCollectionImpl });
define("WAWebGroupMetadataCollection", { default: new GroupMetadataCollectionImpl() });
define("WAWebNewsletterCollection", { default: new Collection() });
define("WAWebPresenceCollection", { PresenceCollection: new Collection() });
define("WAWebBlocklistCollection", { BlocklistCollection: new Collection() });
define("WAWebFindChatAction", { findOrCreateLatestChat });
define("WAWebApiContact", { getCurrentLid: lookUp, getPhoneNumber: lookUp });
define("WAWebLidPnCache", { lidPnCache: { getCurrentLid: lookUp, getPhoneNumber: lookUp } });
define("WAWebQueryExistsJob", { queryWidExists, queryPhoneExists: queryWidExists });
define("WAWebUpdateUnreadChatAction", { sendSeen, markUnread() {} });
define("WAWebUnreadChat", { getHasUnread: (chat) => chat.unreadCount !== 0 });
define("WAWebChatPresence", ChatPresence);
define("WAWebVcardUtils", { vcardFromContactModel, mergeVcards() {} });
define("WAWebCallCollection", {
	default: Object.assign(new Emitter(), { processIncomingCall() {}, setActiveCall() {} }),
});
