// Files: prepared and "uploaded" when sent, "downloaded" when asked for.

import { define } from "./loader.js";
import { Model } from "./models.js";
import { queue } from "./messages.js";

const MEGABYTE = 1024 * 1024;
const LIMITS = { document: 2048 * MEGABYTE, image: 16 * MEGABYTE, video: 16 * MEGABYTE, audio: 16 * MEGABYTE };

class OpaqueData {
	constructor(blob) {
		this.blob = blob;
	}

	static async createFromData(data, type) {
		return new OpaqueData(new Blob([data], { type }));
	}

	throwIfReleased() {}

	forceToBlob() {
		return this.blob;
	}

	type() {
		return this.blob.type;
	}

	size() {
		return this.blob.size;
	}
}

class MediaData extends Model {}
MediaData.prototype.proxyName = "media-data";

/** Files by hash, as WhatsApp keeps what it has downloaded. */
const downloads = new Map();

async function hash(blob) {
	const digest = await crypto.subtle.digest("SHA-256", await blob.arrayBuffer());
	return btoa(String.fromCharCode(...new Uint8Array(digest)));
}

/** The media of a message that came in: known by its hash, not downloaded yet; `gone` when it can't be any more. */
export async function receiveMedia({ base64, mimetype, filename, gone = false }) {
	const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
	const blob = new Blob([bytes], { type: mimetype });
	const filehash = await hash(blob);
	const file = { mimetype, filename, filehash, size: blob.size };
	const download = async () => {
		if (!gone) downloads.set(filehash, await blob.arrayBuffer());
	};
	return { fields: { ...file, mediaData: new MediaData(file) }, download };
}

function typeOf(mimetype, { asDocument, asSticker, isPtt }) {
	if (asDocument) return "document";
	if (asSticker) return "sticker";
	if (isPtt) return "ptt";
	const [kind] = mimetype.split("/");
	return ["image", "video", "audio"].includes(kind) ? kind : "document";
}

class MediaPrep {
	constructor(opaque, options) {
		this.opaque = opaque;
		this.options = options;
		this.mediaData = new MediaData({});
	}

	async waitForPrep() {
		const blob = this.opaque.forceToBlob();
		this.mediaData.set({
			type: typeOf(blob.type, this.options),
			mimetype: blob.type,
			size: blob.size,
			filehash: await hash(blob),
			mediaBlob: this.opaque,
		});
		return this.mediaData;
	}

	async sendToChat({ chat, options }) {
		await null; // the message comes to the chat later: wa-js begins to look for it after this call
		const { type, mimetype, size, filehash } = this.mediaData;
		const file = { type, mimetype, size, filehash, mediaData: this.mediaData };
		return queue(chat, { ...options.productMsgOptions, ...file }).outcome;
	}
}

define("WAWebMediaOpaqueData", { default: OpaqueData });
define("WAWebMediaDataModel", { MediaData });
define("WAWebMediaGatingUtils", { getUploadLimit: (type) => LIMITS[type] ?? LIMITS.document });
define("WAWebPrepRawMedia", {
	MediaPrep,
	prepRawMedia: (opaque, options) => new MediaPrep(opaque, options),
	uploadProductImage() {},
});
define("WAWebMediaInMemoryBlobCache", { InMemoryMediaBlobCacheImpl: Map, InMemoryMediaBlobCache: new Map() });
define("WAWebLruMediaStore", {
	LruMediaStore: {
		get: async (filehash) => downloads.get(filehash),
		has: async (filehash) => downloads.has(filehash),
		put: async (filehash, buffer) => void downloads.set(filehash, buffer),
		del: async (filehash) => void downloads.delete(filehash),
		clear: async () => downloads.clear(),
		count: async () => downloads.size,
	},
});
