import type { ChannelConfig } from '../../config/model.ts';
import type { Channel } from './channel.ts';
import { discord } from './discord.ts';
import { slack } from './slack.ts';
import { telegram } from './telegram.ts';
import { webhook } from './webhook.ts';

/** Every channel by the name that the configuration gives it. */
export const channels: Readonly<Record<ChannelConfig['channel'], Channel>> = { telegram, slack, discord, webhook };
