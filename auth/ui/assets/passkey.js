// Runs the ceremonies of passkeys for the forms that carry data-passkey: asks
// the server for a challenge, the device for an answer, and sends the form with
// the answer in it. Without this script such forms stay hidden.
"use strict";
(() => {
  if (!window.PublicKeyCredential) return;
  if (/^[\d.]+$|^\[/.test(location.hostname)) return; // passkeys are for names, not for numbers

  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const decoded = (list) => (list || []).map((item) => ({ ...item, id: bytes(item.id) }));

  // What the server is told of a credential.
  const encoded = (credential) => {
    const r = credential.response;
    const response = { clientDataJSON: text(r.clientDataJSON) };
    if (r.attestationObject) {
      response.attestationObject = text(r.attestationObject);
      response.transports = r.getTransports ? r.getTransports() : [];
    } else {
      response.authenticatorData = text(r.authenticatorData);
      response.signature = text(r.signature);
      response.userHandle = r.userHandle ? text(r.userHandle) : null;
    }
    return JSON.stringify({ type: credential.type, id: credential.id, rawId: text(credential.rawId), response });
  };

  let waiting = null; // what can be called off: the browser does one thing at a time

  const run = async (form, mediation) => {
    if (waiting) waiting.abort();
    waiting = new AbortController();
    const signal = waiting.signal;
    const answer = await fetch(form.dataset.options, { method: "POST", body: new URLSearchParams(new FormData(form)), signal });
    if (answer.redirected) { // there is something to show first
      location.assign(answer.url);
      return;
    }
    const told = await answer.json();
    if (!answer.ok) throw new Error(told.error);
    const publicKey = told.options;
    publicKey.challenge = bytes(publicKey.challenge);
    let credential;
    if (form.dataset.passkey === "create") {
      publicKey.user.id = bytes(publicKey.user.id);
      publicKey.excludeCredentials = decoded(publicKey.excludeCredentials);
      credential = await navigator.credentials.create({ publicKey, signal });
    } else {
      publicKey.allowCredentials = decoded(publicKey.allowCredentials);
      credential = await navigator.credentials.get({ publicKey, signal, mediation });
    }
    form.elements.id.value = told.id;
    form.elements.credential.value = encoded(credential);
    form.requestSubmit ? form.requestSubmit() : form.submit();
  };

  const known = { NotAllowedError: "The passkey was not used. Try again, or go on in another way.",
    InvalidStateError: "This device has a passkey for this account already.",
    SecurityError: "Passkeys do not work at this address." };

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.hidden = "quiet" in form.dataset;
    form.addEventListener("submit", (event) => {
      if (form.elements.credential.value) return; // the answer is in it
      event.preventDefault();
      const message = form.querySelector("[data-message]");
      message.textContent = "";
      run(form, "optional").catch((error) => {
        if (error.name !== "AbortError") message.textContent = known[error.name] || error.message;
      });
    });
    if ("autofill" in form.dataset && PublicKeyCredential.isConditionalMediationAvailable) {
      PublicKeyCredential.isConditionalMediationAvailable().then((can) => {
        if (can) run(form, "conditional").catch(() => {}); // nobody asked for it
      });
    }
  }
})();
