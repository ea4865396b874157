/* Talking to the sandbox. Everything throws an Error with the sandbox's own words. */

export async function get(path) {
	return read(await fetch(path));
}

export async function post(path, data) {
	const headers = { "Content-Type": "application/json" };
	return read(await fetch(path, { method: "POST", headers, body: JSON.stringify(data) }));
}

/* Store a file; resolves to its media id. */
export async function upload(file) {
	const path = `/sandbox/upload?filename=${encodeURIComponent(file.name)}`;
	const headers = { "Content-Type": file.type || "application/octet-stream" };
	return (await read(await fetch(path, { method: "POST", headers, body: file }))).id;
}

async function read(reply) {
	const data = await reply.json();
	if (!reply.ok) throw new Error(data.error ?? `HTTP ${reply.status}`);
	return data;
}
