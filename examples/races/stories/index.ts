// All stories, in the order of their numbers.
import type { Story } from "../story.ts";
import { chatStories } from "./chat.ts";
import { lookupStories } from "./lookup.ts";
import { pipelineStories } from "./pipeline.ts";
import { sessionStories } from "./session.ts";
import { statsStories } from "./stats.ts";
import { streamStories } from "./streams.ts";
import { workStories } from "./work.ts";

const number = (story: Story): number => Number(story.id.slice(1));

/** H1 to H50. */
export const stories: readonly Story[] = [
  ...lookupStories,
  ...statsStories,
  ...workStories,
  ...pipelineStories,
  ...streamStories,
  ...sessionStories,
  ...chatStories,
].sort((a, b) => number(a) - number(b));
