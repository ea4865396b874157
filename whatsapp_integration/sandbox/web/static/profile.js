/* What the browser's profile keeps, in IndexedDB: the link, the keys of this browser, and what was sent. */

const STORES = ["link", "outgoing"];

function open() {
	return new Promise((resolve, reject) => {
		const request = indexedDB.open("stand-in", 1);
		request.onupgradeneeded = () => STORES.forEach((name) => request.result.createObjectStore(name));
		request.onsuccess = () => resolve(request.result);
		request.onerror = () => reject(request.error);
	});
}

let opened;

async function run(store, mode, work) {
	const db = await (opened ??= open());
	return new Promise((resolve, reject) => {
		// Durable before it is answered: what was posted must be found again after the browser was killed.
		const transaction = db.transaction(store, mode, { durability: "strict" });
		const request = work(transaction.objectStore(store));
		transaction.oncomplete = () => resolve(request.result);
		transaction.onerror = transaction.onabort = () => reject(transaction.error);
	});
}

export const get = (store, key) => run(store, "readonly", (rows) => rows.get(key));
export const all = (store) => run(store, "readonly", (rows) => rows.getAll());
export const put = (store, key, value) => run(store, "readwrite", (rows) => rows.put(value, key));
export const clear = (store) => run(store, "readwrite", (rows) => rows.clear());

function randomKey() {
	return btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))));
}

/* The public halves that the QR code shows; they stay the same for a profile until it is logged out. */
export async function keys() {
	const known = await get("link", "keys");
	if (known) return known;
	const made = { staticKeyPair: randomKey(), identityKeyPair: randomKey(), secretKey: randomKey() };
	await put("link", "keys", made);
	return made;
}

export async function forget() {
	await clear("link");
	await clear("outgoing");
}
