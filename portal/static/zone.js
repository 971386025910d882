// Notes the browser's time zone for the pages to come, where none was chosen: see portal/reader.py.
"use strict";
(() => {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const secure = location.protocol === "https:" ? "; Secure" : "";
    if (/^[A-Za-z0-9_+\/-]+$/.test(zone)) {
        document.cookie = `zone=${zone}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
    }
})();
