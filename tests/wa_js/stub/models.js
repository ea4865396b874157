// Models whose changes are told as "change:<field>", and collections that pass on what their models tell.

export class Emitter {
	#listeners = new Map();

	on(name, listener) {
		this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), listener]);
		return this;
	}

	once(name, listener) {
		const heard = (...values) => {
			this.off(name, heard);
			listener(...values);
		};
		return this.on(name, heard);
	}

	off(name, listener) {
		const kept = (this.#listeners.get(name) ?? []).filter((other) => other !== listener);
		this.#listeners.set(name, kept);
		return this;
	}

	trigger(name, ...values) {
		for (const listener of this.#listeners.get(name) ?? []) listener.apply(this, values);
	}
}

// The fields are accessors over a hidden record: `model.ack = 2` tells "change:ack" (model, new, old).
export class Model extends Emitter {
	#fields = {};
	#collections = [];

	constructor(fields = {}) {
		super();
		this.set(fields);
	}

	get attributes() {
		return { ...this.#fields };
	}

	join(collection) {
		this.#collections.push(collection);
	}

	/** Also makes fields known: one that was never set here is an ordinary property that tells nobody. */
	set(fields) {
		for (const [name, value] of Object.entries(fields)) {
			if (name in this.#fields) this[name] = value;
			else this.#declare(name, value);
		}
	}

	unset(name) {
		this[name] = undefined;
	}

	toJSON() {
		return this.attributes;
	}

	#declare(name, value) {
		this.#fields[name] = value;
		Object.defineProperty(this, name, {
			enumerable: true,
			configurable: true,
			get: () => this.#fields[name],
			set: (next) => this.#change(name, next),
		});
	}

	#change(name, next) {
		const old = this.#fields[name];
		if (next === old) return;
		this.#fields[name] = next;
		this.trigger(`change:${name}`, this, next, old);
		for (const collection of this.#collections) collection.trigger(`change:${name}`, this, next, old);
	}
}

export class Collection extends Emitter {
	#models = new Map();

	get(id) {
		return this.#models.get(String(id));
	}

	add(model) {
		this.#models.set(String(model.id), model);
		model.join(this);
		this.trigger("add", model);
		return model;
	}

	clear() {
		this.#models.clear();
	}

	getModelsArray() {
		return [...this.#models.values()];
	}

	map(use) {
		return this.getModelsArray().map(use);
	}

	forEach(use) {
		this.getModelsArray().forEach(use);
	}

	findFirst(fits) {
		return this.getModelsArray().find(fits);
	}

	async find(id) {
		return this.get(id);
	}
}
