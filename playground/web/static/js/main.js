/** Starts the parts of the page. */

import * as conversation from "./conversation.js";
import * as guide from "./guide.js";
import * as home from "./home.js";
import { become } from "./live.js";
import * as modal from "./modal.js";
import * as pane from "./pane.js";
import * as phone from "./phone.js";
import * as sidebar from "./sidebar.js";
import * as theme from "./theme.js";

const FIRST = "U0AGENT";

theme.start();
sidebar.start();
conversation.start();
home.start();
modal.start();
phone.start();
pane.start();
guide.start();

const [person, place] = location.hash.slice(1).split("/");
become(/^U0[A-Z]+$/.test(person) ? person : FIRST, place || null);
