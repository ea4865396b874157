// Meta's module loader: the globals that wa-js waits for, and the modules that this stand-in has.

const modules = {};

/** A module with these exports. Its exports object stays the same one: wa-js replaces functions in it. */
export function define(id, exports) {
	modules[id] = { factory: () => exports, exports };
}

/** The export as it is now, wrapped by wa-js or not: WhatsApp's own code always looks it up anew, too. */
export function live(id) {
	return modules[id].exports;
}

function load(id) {
	if (!modules[id]) throw new Error(`Requiring unknown module "${id}"`);
	return modules[id].exports;
}

export function openLoader() {
	window.ErrorGuard = { skipGuardGlobal() {} };
	window.importNamespace = load;
	window.__d = (id, _dependencies, factory) => {
		const module = { exports: {} };
		factory(window, load, load, load, module, module.exports);
		define(id, module.exports);
	};
	window.require = (id) => (id === "__debug" ? { modulesMap: modules } : load(id));
}
