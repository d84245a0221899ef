import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  contentTypes,
  isCallOnly,
  isCommercial,
  isUnsubscribeConfirmation,
  passesDateFilter,
} from "../../src/systems/conversation-filters.ts";

const test = suite("systems/conversation-filters");
const them = (text: string): { fromMe: boolean; text: string } => ({ fromMe: false, text });
const me = (text: string): { fromMe: boolean; text: string } => ({ fromMe: true, text });

test("commercial: an offer, a stop word, at most confirmations after it", () => {
  assert.ok(isCommercial([them("50% off!"), me(" STOP ")]));
  assert.ok(
    isCommercial([them("Sale"), me("Stop All"), them("You have been unsubscribed."), them("No more messages")]),
  );
  assert.ok(isCommercial([them("Sale"), me("stop"), them("Sale again"), me("quit")]));
});

test("not commercial: one message, another word, nobody before, an answer after", () => {
  assert.not(isCommercial([me("stop")]));
  assert.not(isCommercial([them("Sale"), me("stop it")]));
  assert.not(isCommercial([them("Sale"), me("hi"), me("stop")]));
  assert.not(isCommercial([me("stop"), them("You are unsubscribed")]));
  assert.not(isCommercial([them("Sale"), me("stop"), them("Why?")]));
  assert.not(isCommercial([them("Sale"), them("Reply STOP to opt out")]));
});

test("an advertisement's small print is no confirmation", () => {
  assert.not(isUnsubscribeConfirmation("Big sale! Reply STOP to unsubscribe"));
  assert.not(isUnsubscribeConfirmation("Text STOP to opt out"));
  assert.ok(isUnsubscribeConfirmation("You\u2019ve  opted out and won\u2019t receive texts"));
});

test("dates: both borders belong to the range", () => {
  assert.ok(passesDateFilter(5, {}));
  assert.equal(
    [4, 5, 9, 10].map((time) => passesDateFilter(time, { olderThan: 5, newerThan: 9 })),
    [false, true, true, false],
  );
});

test("call-only: no text, no attachment, no voicemail with words", () => {
  const only = (type: "sms" | "mms" | "call" | "voicemail", text: string, attached = false): boolean =>
    isCallOnly(contentTypes({ type, text, attachments: attached ? [{ kind: "audio", ref: "x" }] : [] }));
  assert.ok(only("call", ""));
  assert.ok(only("voicemail", " "));
  assert.ok(only("voicemail", "[Voicemail entry]"));
  assert.not(only("voicemail", "Call me"));
  const failed = { kind: "voicemail", transcribed: false } as const;
  assert.ok(isCallOnly(contentTypes({ type: "voicemail", text: "Unable to", attachments: [], call: failed })));
  assert.not(only("sms", ""));
  assert.not(only("mms", ""));
  assert.not(only("call", "", true));
});

test.run();
