// Opened from a folder (file://), a page may start no worker, and the search is one. Then its script runs in a hidden
// frame that speaks the same messages.
if (location.protocol === "file:") {
  window.Worker = class {
    #frame = document.createElement("iframe");
    #loaded;
    #hear = (event) => {
      if (event.source === this.#frame.contentWindow) this.onmessage?.(event);
    };

    constructor(url) {
      const script = document.createElement("script");
      script.src = new URL(url, document.baseURI).href;
      this.#loaded = new Promise((done) => this.#frame.addEventListener("load", done, { once: true }));
      this.#frame.hidden = true;
      this.#frame.srcdoc = `<script>self.postMessage = (data) => parent.postMessage(data, "*");</script>${script.outerHTML}`;
      window.addEventListener("message", this.#hear);
      document.body.append(this.#frame);
    }

    postMessage(data) {
      const copy = structuredClone(data); // as a worker gets it: what it changes is its own
      this.#loaded.then(() => this.#frame.contentWindow.dispatchEvent(new MessageEvent("message", { data: copy })));
    }

    terminate() {
      window.removeEventListener("message", this.#hear);
      this.#frame.remove();
    }
  };
}
