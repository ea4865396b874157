/* What wa-js's functions of people do here. */

import { answered, assertWid } from "./chats.js";
import { WPPError } from "./errors.js";
import { app } from "./page.js";
import { Wid } from "./wids.js";

/* Nobody asks about who is known already, so a number that left WhatsApp still exists here. */
async function queryWidExists(id) {
	const { call, store } = app;
	const asked = assertWid(id).toString();
	const known = store.chatOf(asked);
	const asking = known ? { pn: known.pn, lid: known.lid, business: known.isBusiness } : call("query", { jid: asked });
	const found = await answered(asking).catch(() => null); // null for errors too
	if (!found) return null;
	if (!known) store.know(found);
	return { wid: new Wid(found.pn || found.lid), biz: found.business, lid: new Wid(found.lid) };
}

const parts = (jid) => jid && { id: jid.split("@")[0], server: jid.split("@")[1], _serialized: jid };

/* From a number it asks the server when it must, from a LID it never does. */
async function getPnLidEntry(id) {
	const wid = assertWid(id);
	if (!["c.us", "lid"].includes(wid.server)) {
		throw new WPPError("invalid_wid", `Invalid WID value for ${id} - getPnLidEntry only supports @c.us and @lid.`);
	}
	if (!wid.isLid() && !app.store.people.has(wid.toString())) await queryWidExists(wid);
	const known = app.store.people.get(wid.toString());
	const lid = wid.isLid() ? wid.toString() : known?.lid;
	const pn = wid.isLid() ? known?.pn : wid.toString();
	const about = known && { name: known.name, pushname: known.name, type: "in" };
	return { lid: parts(lid), phoneNumber: parts(pn || undefined), contact: about };
}

async function getContact(id) {
	const wid = assertWid(id);
	const known = app.store.people.get(wid.toString());
	return known && { id: wid, name: known.name, pushname: known.name, isBusiness: false };
}

async function blobToBase64(blob) {
	const reader = new FileReader();
	await new Promise((resolve, reject) => {
		Object.assign(reader, { onload: resolve, onerror: () => reject(reader.error) });
		reader.readAsDataURL(blob);
	});
	return reader.result;
}

export const contact = { queryWidExists, queryExists: queryWidExists, getPnLidEntry, get: getContact };
export const util = { blobToBase64 };
