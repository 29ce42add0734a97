// The proof of work of usher's own pages: no library, no eval, no network.
// usherWork(challenge, bits) resolves to challenge + "." + number such that the
// SHA-256 of it begins with so many zero bits.
"use strict";
(function () {
  var K = new Uint32Array(64), H = new Uint32Array(8);
  (function () { // fractions of the roots of the first primes
    var n = 0;
    for (var p = 2; n < 64; p++) {
      var prime = true;
      for (var d = 2; d * d <= p; d++) if (p % d === 0) { prime = false; break; }
      if (!prime) continue;
      if (n < 8) H[n] = frac(Math.sqrt(p));
      K[n++] = frac(Math.cbrt(p));
    }
    function frac(x) { return Math.floor((x - Math.floor(x)) * 4294967296); }
  })();
  var w = new Uint32Array(64);
  function block(s, m, at) {
    for (var i = 0; i < 16; i++) {
      var j = at + 4 * i;
      w[i] = m[j] << 24 | m[j + 1] << 16 | m[j + 2] << 8 | m[j + 3];
    }
    for (i = 16; i < 64; i++) {
      var x = w[i - 15], y = w[i - 2];
      w[i] = w[i - 16] + ((x >>> 7 | x << 25) ^ (x >>> 18 | x << 14) ^ x >>> 3) + w[i - 7] +
        ((y >>> 17 | y << 15) ^ (y >>> 19 | y << 13) ^ y >>> 10);
    }
    var a = s[0], b = s[1], c = s[2], d = s[3], e = s[4], f = s[5], g = s[6], h = s[7];
    for (i = 0; i < 64; i++) {
      var t = h + ((e >>> 6 | e << 26) ^ (e >>> 11 | e << 21) ^ (e >>> 25 | e << 7)) + (e & f ^ ~e & g) + K[i] + w[i] | 0;
      var u = ((a >>> 2 | a << 30) ^ (a >>> 13 | a << 19) ^ (a >>> 22 | a << 10)) + (a & b ^ a & c ^ b & c) | 0;
      h = g; g = f; f = e; e = d + t | 0; d = c; c = b; b = a; a = t + u | 0;
    }
    s[0] += a; s[1] += b; s[2] += c; s[3] += d; s[4] += e; s[5] += f; s[6] += g; s[7] += h;
  }
  // first is the first 32 bits of the SHA-256 of an ASCII text.
  function first(text) {
    var n = text.length, m = new Uint8Array((n + 9 + 63 >> 6) << 6), s = H.slice();
    for (var i = 0; i < n; i++) m[i] = text.charCodeAt(i);
    m[n] = 128;
    new DataView(m.buffer).setUint32(m.length - 4, n * 8);
    for (i = 0; i < m.length; i += 64) block(s, m, i);
    return s[0];
  }
  window.usherWork = function (challenge, bits) {
    return new Promise(function (done) {
      var n = 0;
      (function some() {
        for (var end = n + 4000; n < end; n++) {
          var token = challenge + "." + n.toString(36);
          if (Math.clz32(first(token)) >= bits) return done(token);
        }
        setTimeout(some, 0); // the page stays alive
      })();
    });
  };
  // A form that asks for it gets its token while the person fills it in, and
  // is sent once there is one.
  document.querySelectorAll("form[data-work]").forEach(function (form) {
    var field = form.elements.captcha_token, sender = null, ready = false;
    var work = window.usherWork(form.dataset.work, Number(form.dataset.workBits)).then(function (token) {
      field.value = token;
      ready = true;
    });
    form.addEventListener("submit", function (event) {
      if (ready) return;
      event.preventDefault();
      if (sender) return;
      sender = event.submitter || true;
      form.setAttribute("aria-busy", "true");
      work.then(function () { form.requestSubmit(sender === true ? undefined : sender); });
    });
  });
})();
