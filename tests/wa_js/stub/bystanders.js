// Modules that wa-js touches while it starts (it wraps or listens to them) and that our flows have no use for.

import { told } from "./connection.js";
import { define, live } from "./loader.js";
import { Collection } from "./models.js";

const FUNCTIONS = {
	WAWebABProps: ["getABPropConfigValue"],
	WAWebBackendJobsCommon: ["mediaTypeFromProtobuf", "encodeMaybeMediaType"],
	WAWebChatArchiveGetters: ["getNumChatsPinned"],
	WAWebCreateChatRecord: ["createChatRecord"],
	WAWebDBPollsVotesUpsert: ["upsertVotesDb"],
	WAWebE2EProtoGenerator: ["createMsgProtobuf"],
	WAWebE2EProtoUtils: ["typeAttributeFromProtobuf"],
	WAWebHandleGroupAction: ["updateDBForGroupAction"],
	WAWebHandleStatusSimpleReceipt: ["handleStatusSimpleReceipt"],
	WAWebInboxFilters: ["isFilterExcludedFromSearchTreatmentInInboxFlow"],
	WAWebLabelUtils: ["addToLabelCollection", "removeLabelFromCollection"],
	WAWebMediaProcessSticker: ["processRawSticker"],
	WAWebMediaUpload: ["uploadMedia"],
	WAWebMediaVideoThumbs: ["generateVideoThumbsAndDuration"],
	WAWebMiscGates: ["primaryFeatureEnabled"],
	WAWebMsgGetters: ["getIsUnreadType"],
	WAWebSendMsgCreateFanoutStanza: ["createFanoutMsgStanza"],
	WAWebChatGetters: [
		"getShouldAppearInList",
		"getPreviewMessage",
		"getShowChangeNumberNotification",
		"getShouldShowUnreadDivider",
	],
	WAWebEncryptAndSend: ["encryptAndSendMsg"],
	WAWebEncryptAndSendStatus: ["encryptAndSendStatusMsg"],
	WAWebContactGetters: [
		"getNotifyName",
		"getUserid",
		"getUserhash",
		"getIsMe",
		"getIsIAS",
		"getIsSupportAccount",
		"getIsWAContact",
		"getCanRequestPhoneNumber",
		"getShowBusinessCheckmarkAsPrimary",
		"getShowBusinessCheckmarkAsSecondary",
		"getShowBusinessCheckmarkInChatlist",
		"getIsDisplayNameApproved",
		"getShouldForceBusinessUpdate",
	],
	WAWebFrontendContactGetters: [
		"getDisplayName",
		"getDisplayNameOrPnForLid",
		"getFormattedName",
		"getFormattedPhone",
		"getFormattedShortName",
		"getFormattedShortNameWithNonBreakingSpaces",
		"getFormattedUser",
		"getHeader",
		"getIsMyContact",
		"getMentionName",
		"getPhoneNumber",
		"getPnForLid",
		"getSearchName",
		"getSearchVerifiedName",
		"getTextStatusString",
	],
};

for (const [id, names] of Object.entries(FUNCTIONS))
	define(id, Object.fromEntries(names.map((name) => [name, () => null])));

class SearchQuery {
	updateLabelQuery() {}
}

const STATUS = Object.assign(new Collection(), { getMyStatus: () => ({ msgs: new Collection() }) });

// A preview is made in two steps, so that wa-js' own step stands between them.
define("WAWebLinkPreviewGet", {
	getLinkPreview: (link) => live("WAWebLinkPreviewMinimal").genMinimalLinkPreview(link),
});
define("WAWebLinkPreviewMinimal", { genMinimalLinkPreview: async (link) => void told.push(`preview ${link.url ?? link}`) });
define("WALinkify", { findFirstWebLink: (text) => text.match(/https?:\/\/\S+/)?.[0] });

define("WAWebChatSearchQuery", { SearchQuery });
define("WAWebStatusCollection", { StatusCollection: STATUS });
define("WAWebLid1X1MigrationGating", { Lid1X1MigrationUtils: { isLidMigrated: () => false } });
