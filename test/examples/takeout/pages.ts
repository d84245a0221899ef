// Hand-written pages for tests, in Google's own white space: heads, tails, messages and call logs to put together.

export const HEAD =
  '<?xml version="1.0" ?>\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" ' +
  '"http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd"><html xmlns="http://www.w3.org/1999/xhtml"><head>' +
  '<meta http-equiv="Content-Type" content="text/html; charset=UTF-8" />\n';
export const TIME = "2022-06-30T18:06:39.894-07:00";
export const TIMESTAMP = Date.UTC(2022, 6, 1, 1, 6, 39, 894);
export const ME = '<a class="tel" href="tel:+12025550100"><abbr class="fn" title="">Me</abbr></a>';

export function tel(number: string, name: string): string {
  return `<a class="tel" href="tel:${number}"><span class="fn">${name}</span></a>`;
}

export function message(sender: string, body: string, after = "", time = TIME): string {
  return (
    `<div class="message"><abbr class="dt" title="${time}">Jun 30, 2022, 6:06:39&#8239;PM\nPacific Time</abbr>:\n` +
    `<cite class="sender vcard">${sender}</cite>:\n<q>${body}</q>\n${after}</div>`
  );
}

export function textPage(messages: readonly string[], title = "", participants = "", labels = "#sms"): string {
  return (
    `${HEAD}<title>${title}</title>\n<style type="text/css">\n</style></head>\n<body><div class="hChatLog hfeed">` +
    `${participants}\n${messages.join(" ")}</div>\n${tail(labels)}</body></html>`
  );
}

/** `inside` is what stands between the time and the tail. */
export function callPage(verb: string, contributor: string, inside = "", labels = "#missed", time = TIME): string {
  return (
    `${HEAD}<title>${verb}\n</title>\n<style type="text/css">\n</style></head>\n<body><div class="haudio">` +
    `<span class="album">Call Log for\n</span>\n<span class="fn">${verb}\nSomeone</span>\n` +
    `<div class="contributor vcard">${verb}\n${contributor}</div>\n` +
    `<abbr class="published" title="${time}">Jun 30, 2022, 6:06:39&#8239;PM\nPacific Time</abbr>\n${inside}\n` +
    `${tail(labels)}</div></body></html>`
  );
}

export function tail(labels: string, deleted = "False"): string {
  const tags = labels.split(" ").map((id) => `<a rel="tag" href="http://www.google.com/voice${id}">Label</a>`);
  return (
    `<div class="tags">Labels:\n${tags.join(", ")}</div>\n` +
    `<div class="deletedStatusContainer">User Deleted:\n${deleted}</div>`
  );
}
