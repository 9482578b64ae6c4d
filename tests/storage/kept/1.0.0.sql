BEGIN TRANSACTION;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO "_sqlite_migrations" VALUES(1,'callops','1.0.0','2026-12-01 14:36:52.057370+00:00');
CREATE TABLE actions (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    request TEXT NOT NULL REFERENCES requests (id),
    position INTEGER NOT NULL,
    kind TEXT NOT NULL,
    connection TEXT NOT NULL,
    requester TEXT NOT NULL,
    agent TEXT,
    target_id TEXT,
    scheduled_for INTEGER,
    state TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    maybe_executed INTEGER NOT NULL,
    owner TEXT,
    lease_until INTEGER,
    not_before INTEGER,
    not_after INTEGER,
    code TEXT,
    message TEXT,
    retry TEXT,
    reference TEXT,
    http_status INTEGER,
    ending TEXT,
    end_try INTEGER,
    asked_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    asked_event INTEGER NOT NULL REFERENCES events (seq),
    last_event INTEGER NOT NULL REFERENCES events (seq),
    UNIQUE (request, position)
) STRICT;
INSERT INTO "actions" VALUES(1,'A-QKMB','A-QKMB',1,'place_call','reminders','U0AGENT','payments',NULL,NULL,'succeeded',1,0,NULL,NULL,NULL,NULL,'queued','The provider has it.',NULL,'ck_A-QKMB',200,'busy',NULL,1772452800123456,1772452800123456,1,4);
INSERT INTO "actions" VALUES(2,'A-6WY8','A-6WY8',1,'place_call','reminders','U0AGENT','payments',NULL,NULL,'succeeded',1,0,NULL,NULL,NULL,NULL,'queued','The provider has it.',NULL,'ck_A-6WY8',200,NULL,NULL,1772452800123456,1772452800123456,2,6);
INSERT INTO "actions" VALUES(3,'A-9R4H','A-9R4H',1,'cancel_call','reminders','U0AGENT',NULL,NULL,NULL,'approved',0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1772452800123456,1772452800123456,7,8);
INSERT INTO "actions" VALUES(4,'A-5HSF.1','A-5HSF',1,'cancel_call','reminders','U0AGENT','payments',NULL,NULL,'denied',0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1772452800123456,1772452800123456,9,11);
INSERT INTO "actions" VALUES(5,'A-5HSF.2','A-5HSF',2,'cancel_call','reminders','U0AGENT','payments',NULL,NULL,'denied',0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1772452800123456,1772452800123456,10,12);
INSERT INTO "actions" VALUES(6,'A-T8V5','A-T8V5',1,'place_list','reminders','U0AGENT',NULL,NULL,NULL,'approved',0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1772452800123456,1772452800123456,29,29);
INSERT INTO "actions" VALUES(7,'A-UE5Y','A-UE5Y',1,'place_call','reminders','U0AGENT','payments',NULL,NULL,'approved',0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1772452800123456,1772452800123456,30,30);
INSERT INTO "actions" VALUES(8,'A-EP5L','A-EP5L',1,'place_call','reminders','U0AGENT','payments',NULL,NULL,'withdrawn',0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1772452800123456,1772452800123456,32,33);
CREATE TABLE approvals (
    event INTEGER PRIMARY KEY REFERENCES events (seq),
    request TEXT NOT NULL REFERENCES requests (id),
    person TEXT NOT NULL,
    decision TEXT NOT NULL,
    "group" TEXT,
    members TEXT NOT NULL,
    content TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
INSERT INTO "approvals" VALUES(8,'A-9R4H','U0MANAGER','approve','S0MANAGERS','U0MANAGER U0SECOND','a hash',1772452800123456);
INSERT INTO "approvals" VALUES(11,'A-5HSF','U0MANAGER','deny','S0MANAGERS','U0MANAGER U0SECOND','a hash',1772452800123456);
CREATE TABLE call_list_rows (
    id INTEGER PRIMARY KEY,
    list INTEGER NOT NULL REFERENCES call_lists (id),
    line INTEGER NOT NULL,
    number BLOB,
    salt BLOB,
    value TEXT,
    sealed TEXT,
    problem TEXT,
    due_at INTEGER,
    request TEXT REFERENCES requests (id)
) STRICT;
INSERT INTO "call_list_rows" VALUES(1,1,2,NULL,NULL,NULL,'338b43e2292d54d7e22879e465f19f7e6859e27fb969c2e287dde6a88c6f8a09',NULL,NULL,'A-UE5Y');
INSERT INTO "call_list_rows" VALUES(2,1,3,X'BFFFB6D01E8C9103D35663C60F613244DB8A0C409835091ED3151F6966A54671',X'666FA342F99F5D4A2EF6B7A2F81A259B','
{"kind":"place_call","to":"+919876543211","agent":"payments","at":null,"retries":null,"gap":null,"earliest":null,"latest":null,"carry_over":null,"priority":null,"language":null,"batch":null,"metadata":null}','6fc6cdb4018c6f30e4b5880d1e9c67d9580f7f4f451add361d059c9c8de21a3b',NULL,1772452800123456,NULL);
CREATE TABLE call_lists (
    id INTEGER PRIMARY KEY,
    person TEXT NOT NULL,
    at INTEGER NOT NULL,
    request TEXT UNIQUE REFERENCES requests (id),
    paused INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO "call_lists" VALUES(1,'U0AGENT',1772452800123456,'A-T8V5',0);
CREATE TABLE deliveries (
    delivery_key TEXT PRIMARY KEY,
    request TEXT NOT NULL REFERENCES requests (id),
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "deliveries" VALUES('row','A-UE5Y',1772452800123456);
CREATE TABLE end_polls (
    action INTEGER PRIMARY KEY REFERENCES actions (n),
    connection TEXT NOT NULL,
    since INTEGER NOT NULL,
    due_at INTEGER NOT NULL
) STRICT;
CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    request TEXT NOT NULL,
    action TEXT NOT NULL,
    name TEXT NOT NULL,
    actor TEXT NOT NULL,
    data TEXT NOT NULL,
    private TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT;
INSERT INTO "events" VALUES(1,1772452800123456,'A-QKMB','A-QKMB','requested','U0AGENT','{"agent":"payments","approvals_needed":0,"connection":"reminders","fingerprint":"callkaro:1","kind":"place_call","position":1,"requester":"U0AGENT","rule":"anyone may place a call","state":"approved","team":"T0"}','{"action":"4f0bacc0328e860e6d9e5f6f76fc41cdd011a4924b9cfc9ed0bf5cdfd654ee02","reason":"7ba6d5f97d8db47a11522252a2a4084234e793c1b6dd611fcb94b7fd35757ad0"}','0000000000000000000000000000000000000000000000000000000000000000','f9ceb65f5f6db9f9785478e557cb9ee147a45bddf6dc6dd199b504a2c92e3e00');
INSERT INTO "events" VALUES(2,1772452800123456,'A-6WY8','A-6WY8','requested','U0AGENT','{"agent":"payments","approvals_needed":0,"connection":"reminders","fingerprint":"callkaro:1","kind":"place_call","position":1,"requester":"U0AGENT","rule":"anyone may place a call","state":"approved","team":"T0"}','{"action":"6b96fe76259301420283ac872d673e83ee25bf93129bf4e6d1d25a1a42fdf995","reason":"e8babc223e19b1a3786028af0c17b3fd303af55e88f68a87c10ad5a69a013804"}','f9ceb65f5f6db9f9785478e557cb9ee147a45bddf6dc6dd199b504a2c92e3e00','8d078f57a6e50cbbd228a682d035734b2023caee266064989cb4e8ccb9063067');
INSERT INTO "events" VALUES(3,1772452800123456,'A-QKMB','A-QKMB','sending','one','{"attempt":1,"lease_until":1772452830123456,"owner":"one","state":"sending"}','{}','8d078f57a6e50cbbd228a682d035734b2023caee266064989cb4e8ccb9063067','039fdcd683a52c9eb5b2514c5e5d612d9ce105864ff30d1be7487fb1d9c3ffd3');
INSERT INTO "events" VALUES(4,1772452800123456,'A-QKMB','A-QKMB','succeeded','system','{"code":"queued","http_status":200,"message":"The provider has it.","reference":"ck_A-QKMB","state":"succeeded"}','{"raw":"da34f92bcf9a158af6a0a82a3f82f65057934c2c3302a984f74769decb0340cc"}','039fdcd683a52c9eb5b2514c5e5d612d9ce105864ff30d1be7487fb1d9c3ffd3','ee5c65f524c8953585dd45e5e26288e4d87149ac1ae32491a0776445cb99797c');
INSERT INTO "events" VALUES(5,1772452800123456,'A-6WY8','A-6WY8','sending','one','{"attempt":1,"lease_until":1772452830123456,"owner":"one","state":"sending"}','{}','ee5c65f524c8953585dd45e5e26288e4d87149ac1ae32491a0776445cb99797c','84da9bd5312ca5f7d9cbb795d171e23079ed6dddef666bffc2dfac80448168f8');
INSERT INTO "events" VALUES(6,1772452800123456,'A-6WY8','A-6WY8','succeeded','system','{"code":"queued","http_status":200,"message":"The provider has it.","reference":"ck_A-6WY8","state":"succeeded"}','{"raw":"c0de719a1662cfb46db820e2c06ba76ee1a0e948772cbb87301a46d1cec52c8a"}','84da9bd5312ca5f7d9cbb795d171e23079ed6dddef666bffc2dfac80448168f8','dd45ef284d60529ab13f47cbeb379007e55f77ecdc54a4b87bc1bd259ce0e46a');
INSERT INTO "events" VALUES(7,1772452800123456,'A-9R4H','A-9R4H','requested','U0AGENT','{"approvals_needed":1,"connection":"reminders","decide_by":1772481600123456,"fingerprint":"callkaro:1","kind":"cancel_call","position":1,"requester":"U0AGENT","rule":"cancellations need a manager","state":"pending","team":"T0"}','{"action":"c79eb426a24c6f17b1e2ecd84affc0e0b8d19f3c481ba336ca49dfa3aeb5a26f"}','dd45ef284d60529ab13f47cbeb379007e55f77ecdc54a4b87bc1bd259ce0e46a','676c11cfb69a7bdc5ce0c209b9988e20ea0374d45f66f9cd686adda22f4f4c7f');
INSERT INTO "events" VALUES(8,1772452800123456,'A-9R4H','A-9R4H','approved','U0MANAGER','{"approval.content":"a hash","approval.decision":"approve","approval.group":"S0MANAGERS","approval.members":"U0MANAGER U0SECOND","approval.person":"U0MANAGER","state":"approved"}','{}','676c11cfb69a7bdc5ce0c209b9988e20ea0374d45f66f9cd686adda22f4f4c7f','185f4f05b23e5c8726a4dd96506ea2b6a7a02921335278d0012ad8ab8c88ac0f');
INSERT INTO "events" VALUES(9,1772452800123456,'A-5HSF','A-5HSF.1','requested','U0AGENT','{"agent":"payments","approvals_needed":1,"connection":"reminders","decide_by":1772481600123456,"fingerprint":"callkaro:1","kind":"cancel_call","position":1,"requester":"U0AGENT","rule":"cancellations need a manager","state":"pending","team":"T0"}','{"action":"0db29b7ae5e573eba450237523817d504889b9179d767ed89376f54d23619d6c"}','185f4f05b23e5c8726a4dd96506ea2b6a7a02921335278d0012ad8ab8c88ac0f','44735be82b7c03a6b95e7083e5605725aa78eba12ab0606beca853ae4792c3d2');
INSERT INTO "events" VALUES(10,1772452800123456,'A-5HSF','A-5HSF.2','requested','U0AGENT','{"agent":"payments","approvals_needed":1,"connection":"reminders","decide_by":1772481600123456,"fingerprint":"callkaro:1","kind":"cancel_call","position":2,"requester":"U0AGENT","rule":"cancellations need a manager","state":"pending","team":"T0"}','{"action":"fdd300443b24022f6fb5b78e0fb078ed3efa4f5fb27db2149d1c06c2733855d4"}','44735be82b7c03a6b95e7083e5605725aa78eba12ab0606beca853ae4792c3d2','48b553be3cf6bf03d9c791bb1cbcf39a4ce4f2a95e7c842b6a2e96df8014cbe8');
INSERT INTO "events" VALUES(11,1772452800123456,'A-5HSF','A-5HSF.1','denied','U0MANAGER','{"approval.content":"a hash","approval.decision":"deny","approval.group":"S0MANAGERS","approval.members":"U0MANAGER U0SECOND","approval.person":"U0MANAGER","state":"denied"}','{}','48b553be3cf6bf03d9c791bb1cbcf39a4ce4f2a95e7c842b6a2e96df8014cbe8','42191ba80e96e3833b96edee808c7e1eb9bb2a54175781c1c733c3fa184014bd');
INSERT INTO "events" VALUES(12,1772452800123456,'A-5HSF','A-5HSF.2','denied','U0MANAGER','{"state":"denied"}','{}','42191ba80e96e3833b96edee808c7e1eb9bb2a54175781c1c733c3fa184014bd','dcc6cf62dfd6362d0e232986618f2916922f55dd9c6792b4207f5dc4505bfd5a');
INSERT INTO "events" VALUES(13,1772452800123456,'S-CWYH','S-CWYH','calls_stopped','U0AGENT','{"sealed":"8c4d95c32437055d0839175d6f97d0cf8d26a23cb0d11c8574f65af2155c8363"}','{"number":"eab447e92bc50655f5044bf598e304a4310c82391ab1fe7c94b6d72f8a4a649d","reason":"d21c085449f8f11391fffd697fa99e36eb583f1ac80d3994f0c16172fa5e6dc0"}','dcc6cf62dfd6362d0e232986618f2916922f55dd9c6792b4207f5dc4505bfd5a','ab40fc180882f65d7a08a700628c7cb07c2d0a321ce1c93ce367f6195df8327f');
INSERT INTO "events" VALUES(14,1772452800123456,'S-D3DB','S-D3DB','calls_stopped','U0AGENT','{"sealed":"5ad375e00a3ba6672f8e38761efd41144e0100139c46c9007c2003256da33c58"}','{"number":"9ea9026c2234ec80e47395d844c7a0034f5204f025b931a3d6d59674ee1c0011"}','ab40fc180882f65d7a08a700628c7cb07c2d0a321ce1c93ce367f6195df8327f','63b8df82a944404928b4e2175c192e97e6003630d84c5e2d25ed5174ccb20e5b');
INSERT INTO "events" VALUES(15,1772452800123456,'S-D3DB','S-D3DB','calls_allowed','U0MANAGER','{}','{"lookup":"2b568eeac10336e47b44ffc63d255bb0e1c038234f2c9b9d3b8496e05722302c","number":"a4def26e87f746c663ad1a2deeb9b3842ee7ead27ab00fe7748ba0a1617b9375","reason":"311b26f71faf4551a775b949cc3c581f31c1d417307f6943fc3fda43704330e4"}','63b8df82a944404928b4e2175c192e97e6003630d84c5e2d25ed5174ccb20e5b','ee9169d86afd7754b870ba1a99eeb60d4b062bdf54b41760538b771037e4905c');
INSERT INTO "events" VALUES(16,1772452800123456,'S-VRB3','S-VRB3','list_import_began','system','{"list":"ndnc"}','{}','ee9169d86afd7754b870ba1a99eeb60d4b062bdf54b41760538b771037e4905c','b8177992d488b5f4dcad4566e537356ed2945ea184fd07da3663bf5649b19d17');
INSERT INTO "events" VALUES(17,1772452800123456,'S-VRB3','S-VRB3','list_imported','system','{"added":2,"list":"ndnc","numbers":2,"sealed":"8dc92061c043675305cd1f37cd6992028a9342013517371a11f76820508e5b84"}','{}','b8177992d488b5f4dcad4566e537356ed2945ea184fd07da3663bf5649b19d17','493ea8ccd2d6eb9749022cb433ad237e0885d381ed17164f0a8f08d7be37cdb0');
INSERT INTO "events" VALUES(18,1772452800123456,'S-7VH3','S-7VH3','list_import_began','system','{"list":"ndnc"}','{}','493ea8ccd2d6eb9749022cb433ad237e0885d381ed17164f0a8f08d7be37cdb0','706101305266dcf4836b4f8b9ef1aa4430c7d74083bcf13dad6e5189bf84bdce');
INSERT INTO "events" VALUES(19,1772452800123456,'S-7VH3','S-7VH3','list_imported','system','{"added":4,"list":"ndnc","numbers":6,"sealed":"fcaaed486c9b9e89d98bf68593b9ff47ef30c4f27434982c80c46eedf2647f5e"}','{}','706101305266dcf4836b4f8b9ef1aa4430c7d74083bcf13dad6e5189bf84bdce','be208db718263dbed92003e9db9baeff2e1eade9802e79f1459516b304fdd6ac');
INSERT INTO "events" VALUES(20,1772452800123456,'S-ANQV','S-ANQV','list_import_began','system','{"list":"mine"}','{}','be208db718263dbed92003e9db9baeff2e1eade9802e79f1459516b304fdd6ac','65e3898b473e708be3695060bf231cf1db74668db19422eba03a96cddf8cf8b6');
INSERT INTO "events" VALUES(21,1772452800123456,'S-ANQV','S-ANQV','list_imported','system','{"added":1,"list":"mine","numbers":1,"sealed":"e488c13743a0d746599a79e71bb91a791db36d7064738330f636f3ab4f27e8f8"}','{}','65e3898b473e708be3695060bf231cf1db74668db19422eba03a96cddf8cf8b6','788568b233933271fed32dc74bb5e900a34671f9258d02b66702743ebaeb31a6');
INSERT INTO "events" VALUES(22,1772452800123456,'S-H79Q','S-H79Q','list_import_began','system','{"list":"gone"}','{}','788568b233933271fed32dc74bb5e900a34671f9258d02b66702743ebaeb31a6','ec279a71b71716849f7bbd135692f4b8a4eea202914d05d5559486037202d8eb');
INSERT INTO "events" VALUES(23,1772452800123456,'S-H79Q','S-H79Q','list_imported','system','{"added":1,"list":"gone","numbers":1,"sealed":"b1fdbef5f50ff0dcb542c719ad6be535a7dfcd4393b84e9a11eae275cc7811d8"}','{}','ec279a71b71716849f7bbd135692f4b8a4eea202914d05d5559486037202d8eb','6e240f48f6c65b231772c4c65afacbe504053172ed73b2794ba2a55f6db20384');
INSERT INTO "events" VALUES(24,1772452800123456,'S-TYT3','S-TYT3','list_removed','system','{"list":"gone","removed":1}','{}','6e240f48f6c65b231772c4c65afacbe504053172ed73b2794ba2a55f6db20384','db000c02a33cee92b87493b73764899ae5fa78cc4e5f47a1d280b096968ae936');
INSERT INTO "events" VALUES(25,1772452800123456,'E-3A5V','E-3A5V','fault','U0AGENT','{"where":"commands"}','{"traceback":"7502d0a74adfc79abbd471486ae1ef2e8d4c545ae386705bf876ccc3abebcc0a"}','db000c02a33cee92b87493b73764899ae5fa78cc4e5f47a1d280b096968ae936','4c8f557421846d51d43dca530422f44e9b6e0b8e1aaaf4cbbc88da80770d1607');
INSERT INTO "events" VALUES(26,1772452800123456,'A-QKMB','A-QKMB','call_ended','system','{"again":false,"ending":"answered","try":1}','{"end":"8a3bb5049ab68cb0736feabf3c18611ecba1d02333310a8199272cdbcbfbcebc"}','4c8f557421846d51d43dca530422f44e9b6e0b8e1aaaf4cbbc88da80770d1607','d153971375b44be8d22fd2468b2c3f20bd9ef3072c0f0aa8a63811fec3972a70');
INSERT INTO "events" VALUES(27,1772452800123456,'A-QKMB','A-QKMB','call_ended','system','{"again":false,"ending":"busy","try":null}','{"end":"5df6af916088e01627179f9231472ce654c22d1e5bba55f6684d8b8ffa66b314"}','d153971375b44be8d22fd2468b2c3f20bd9ef3072c0f0aa8a63811fec3972a70','70a50597512c07bf6515e777938fa76a4c59e4dda16cd556eac946d24e8280f5');
INSERT INTO "events" VALUES(28,1772452800123456,'A-QKMB','A-QKMB','call_ended','system','{"again":false,"ending":"no_answer","try":0}','{"end":"6c8ba3bd68ed7bebe34ae34ef0396d2782825cefa8dc619eddb69f83e824d6b7"}','70a50597512c07bf6515e777938fa76a4c59e4dda16cd556eac946d24e8280f5','8bce2e4824c32413170969c10c3adf2111e4b1a80af38ff079560112679a41dd');
INSERT INTO "events" VALUES(29,1772452800123456,'A-T8V5','A-T8V5','requested','U0AGENT','{"approvals_needed":0,"connection":"reminders","fingerprint":"callkaro:1","kind":"place_list","position":1,"requester":"U0AGENT","rows_sha256":"5740272bc39739901200347e16b2fe66842114021adaf6e3e28eae65fbe3cfd1","rule":"anyone may place a call","sha256":"0000000000000000000000000000000000000000000000000000000000000000","state":"approved","team":"T0"}','{"action":"dc39aa032a8f80585a11d050404a650da30cd8f74555f569e69ae69d90793630"}','8bce2e4824c32413170969c10c3adf2111e4b1a80af38ff079560112679a41dd','5b3383ba01a4bb4d68d545207e4199392d0d21f5b758d90ffeda1cd692a1d856');
INSERT INTO "events" VALUES(30,1772452800123456,'A-UE5Y','A-UE5Y','requested','U0AGENT','{"agent":"payments","approvals_needed":0,"call_list":"A-T8V5","connection":"reminders","fingerprint":"callkaro:1","kind":"place_call","position":1,"requester":"U0AGENT","rule":"anyone may place a call","state":"approved","team":"T0"}','{"action":"477b03c47cfeaa5363c4db20c9f46a26bea0f6fc8757684d399b3e67c95a74bb"}','5b3383ba01a4bb4d68d545207e4199392d0d21f5b758d90ffeda1cd692a1d856','e7102f1a2a7c3dd5185ddc5b99629fdf4fac95f72e13293b3814f487fb3ae34f');
INSERT INTO "events" VALUES(31,1772452800123456,'B-YZPC','B-YZPC','calls_paused','U0MANAGER','{"connection":"voxworks","leaving":0,"scheduled":0,"until":null,"waiting":0}','{"reason":"5b549f4d000ccb397d0f3c95b820bff25af8134fef225ae4a7833f0026411060"}','e7102f1a2a7c3dd5185ddc5b99629fdf4fac95f72e13293b3814f487fb3ae34f','899c93915ca338a6c1f6004b184e55d2abb123c004e51b5efd86db3eec2c383d');
INSERT INTO "events" VALUES(32,1772452800123456,'A-EP5L','A-EP5L','requested','U0AGENT','{"agent":"payments","approvals_needed":0,"connection":"reminders","fingerprint":"callkaro:1","kind":"place_call","position":1,"requester":"U0AGENT","rule":"anyone may place a call","state":"approved","team":"T0"}','{"action":"04df8741d54d7ac2fb67daaa9166f06b2d47f65a24d2b459eb11e688ae58cbe4"}','899c93915ca338a6c1f6004b184e55d2abb123c004e51b5efd86db3eec2c383d','da0aed8b7940d0e5034adb79923c54e9ba46825c07811f0b47d162fac3acc3a3');
INSERT INTO "events" VALUES(33,1772452800123456,'A-EP5L','A-EP5L','withdrawn','U0AGENT','{"state":"withdrawn"}','{}','da0aed8b7940d0e5034adb79923c54e9ba46825c07811f0b47d162fac3acc3a3','6eba5017958c9ce1031146b5ab3b6a26a641dbb7f01cff437ce99c69d67cb395');
INSERT INTO "events" VALUES(34,1772452800123456,'A-EP5L','A-EP5L','erased','U0DPO','{}','{}','6eba5017958c9ce1031146b5ab3b6a26a641dbb7f01cff437ce99c69d67cb395','2596f7a17b16b7f14c73864295c29cbf6bb51fb7ec6b1b8fc537f3f883f8b2bd');
CREATE TABLE homes (
    person TEXT PRIMARY KEY,
    opened_at INTEGER NOT NULL,
    shown BLOB,
    seen INTEGER NOT NULL DEFAULT 0,
    looked_at INTEGER NOT NULL DEFAULT 0,
    not_before INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE TABLE lookup (
    action INTEGER PRIMARY KEY REFERENCES actions (n),
    number BLOB NOT NULL,
    masked BLOB
) STRICT;
INSERT INTO "lookup" VALUES(1,X'5996BAD8D38C1DA1C1D8A45E7A498A51C6634D2D714A8B782752273A2BE8F2A1',NULL);
INSERT INTO "lookup" VALUES(2,X'BFFFB6D01E8C9103D35663C60F613244DB8A0C409835091ED3151F6966A54671',NULL);
INSERT INTO "lookup" VALUES(3,X'F149673F96BA537A8375913651D3F574755BEC09F36B88AC7A8AE8984BC48797',NULL);
INSERT INTO "lookup" VALUES(4,X'5996BAD8D38C1DA1C1D8A45E7A498A51C6634D2D714A8B782752273A2BE8F2A1',NULL);
INSERT INTO "lookup" VALUES(5,X'BFFFB6D01E8C9103D35663C60F613244DB8A0C409835091ED3151F6966A54671',NULL);
INSERT INTO "lookup" VALUES(7,X'5996BAD8D38C1DA1C1D8A45E7A498A51C6634D2D714A8B782752273A2BE8F2A1',NULL);
CREATE TABLE messages (
    request TEXT NOT NULL REFERENCES requests (id),
    slot TEXT NOT NULL,
    channel TEXT NOT NULL,
    ts TEXT NOT NULL,
    link TEXT,
    PRIMARY KEY (request, slot)
) STRICT, WITHOUT ROWID;
CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "meta" VALUES('key',X'F0C5BFF91C27F0D79F9036F49A6EAC8752627FFE34B57FFFEBDC91788C2E6514');
CREATE TABLE nonces (
    id INTEGER PRIMARY KEY,
    nonce TEXT NOT NULL UNIQUE,
    person TEXT,
    content TEXT,
    request TEXT REFERENCES requests (id),
    at INTEGER NOT NULL
) STRICT;
INSERT INTO "nonces" VALUES(1,'pause:pause','U0MANAGER',NULL,NULL,1772452800123456);
CREATE TABLE outages (
    connection TEXT NOT NULL,
    reason TEXT NOT NULL CHECK (reason IN ('down', 'rate_limited')),
    since INTEGER NOT NULL,
    until INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    failed_at INTEGER NOT NULL,
    reachable INTEGER NOT NULL,
    told INTEGER NOT NULL,
    announced TEXT,
    probe_at INTEGER,
    PRIMARY KEY (connection, reason)
) STRICT, WITHOUT ROWID;
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY,
    request TEXT REFERENCES requests (id),
    action TEXT,
    event INTEGER REFERENCES events (seq),
    dedupe_key TEXT,
    template TEXT NOT NULL,
    slot TEXT NOT NULL,
    payload TEXT NOT NULL DEFAULT '{}',
    channel TEXT,
    ts TEXT,
    added_at INTEGER NOT NULL,
    not_before INTEGER,
    postponed_at INTEGER,
    lane TEXT,
    unordered INTEGER NOT NULL DEFAULT 0,
    is_next INTEGER NOT NULL DEFAULT 0,
    owner TEXT,
    lease_until INTEGER,
    tries INTEGER NOT NULL DEFAULT 0,
    error TEXT,
    ended TEXT CHECK (ended IN ('delivered', 'covered', 'abandoned')),
    ended_at INTEGER,
    CHECK ((request IS NULL) = (dedupe_key IS NOT NULL))
) STRICT;
INSERT INTO "outbox" VALUES(1,NULL,NULL,13,'do_not_call:13','do_not_call','audit','{}',NULL,NULL,1772452800123456,NULL,NULL,NULL,0,1,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(2,NULL,NULL,13,'do_not_call:13:approvals','do_not_call','approvals','{}',NULL,NULL,1772452800123456,NULL,NULL,NULL,0,1,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(3,NULL,NULL,14,'do_not_call:14','do_not_call','audit','{}',NULL,NULL,1772452800123456,NULL,NULL,NULL,0,1,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(4,NULL,NULL,14,'do_not_call:14:approvals','do_not_call','approvals','{}',NULL,NULL,1772452800123456,NULL,NULL,NULL,0,1,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(5,NULL,NULL,15,'do_not_call:15','do_not_call','audit','{}',NULL,NULL,1772452800123456,NULL,NULL,NULL,0,1,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(6,NULL,NULL,15,'do_not_call:15:approvals','do_not_call','approvals','{}',NULL,NULL,1772452800123456,NULL,NULL,NULL,0,1,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(7,NULL,NULL,17,'do_not_call:17','do_not_call','audit','{}',NULL,NULL,1772452800123456,NULL,NULL,NULL,0,1,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(8,NULL,NULL,19,'do_not_call:19','do_not_call','audit','{}',NULL,NULL,1772452800123456,NULL,NULL,NULL,0,1,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(9,NULL,NULL,21,'do_not_call:21','do_not_call','audit','{}',NULL,NULL,1772452800123456,NULL,NULL,NULL,0,1,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(10,NULL,NULL,23,'do_not_call:23','do_not_call','audit','{}',NULL,NULL,1772452800123456,NULL,NULL,NULL,0,1,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(11,NULL,NULL,24,'do_not_call:24','do_not_call','audit','{}',NULL,NULL,1772452800123456,NULL,NULL,NULL,0,1,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(12,NULL,NULL,31,'pause:B-YZPC','pause','audit:voxworks','{}',NULL,NULL,1772452800123456,NULL,NULL,NULL,0,1,NULL,NULL,0,NULL,NULL,NULL);
CREATE TABLE pauses (
    connection TEXT PRIMARY KEY,
    event INTEGER NOT NULL REFERENCES events (seq),
    until INTEGER
) STRICT, WITHOUT ROWID;
INSERT INTO "pauses" VALUES('voxworks',31,NULL);
CREATE TABLE people (
    id TEXT PRIMARY KEY,
    team TEXT NOT NULL,
    name TEXT NOT NULL,
    timezone TEXT NOT NULL,
    bot INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    guest INTEGER NOT NULL,
    is_external INTEGER NOT NULL,
    read_at INTEGER NOT NULL
) STRICT;
CREATE TABLE personal (
    id INTEGER PRIMARY KEY,
    event INTEGER NOT NULL REFERENCES events (seq),
    field TEXT NOT NULL,
    salt BLOB,
    value TEXT,
    UNIQUE (event, field)
) STRICT;
INSERT INTO "personal" VALUES(1,1,'action',X'E90DA9B39E2DF47CB480CF3E26C72D59','{"kind":"place_call","to":"+919876543210","agent":"payments","at":null,"retries":null,"gap":null,"earliest":null,"latest":null,"carry_over":null,"priority":null,"language":null,"batch":null,"metadata":null}');
INSERT INTO "personal" VALUES(2,1,'reason',X'3D61789B8EB73125653435B56D235440','one');
INSERT INTO "personal" VALUES(3,2,'action',X'66944062B398305C04C4C7E98D26671F','{"kind":"place_call","to":"+919876543211","agent":"payments","at":null,"retries":null,"gap":null,"earliest":null,"latest":null,"carry_over":null,"priority":null,"language":null,"batch":null,"metadata":null}');
INSERT INTO "personal" VALUES(4,2,'reason',X'747CF9B86DB5966B0F14AF4DD304C6E2','two');
INSERT INTO "personal" VALUES(5,4,'raw',X'5C7438273230EC1A0B9F1417A29595E9','{"ok": true}');
INSERT INTO "personal" VALUES(6,6,'raw',X'3A2AB69E16FF5B830E3BDE1B5FBD43C0','{"ok": true}');
INSERT INTO "personal" VALUES(7,7,'action',X'C268B093954C79758FDE58598DB8E33D','{"kind":"cancel_call","target":{"by":"call_id","call_id":"c_9876543210"}}');
INSERT INTO "personal" VALUES(8,9,'action',X'04D714A2FFE55983FCFC055D8E43A27F','{"kind":"cancel_call","target":{"by":"number","agent":"payments","to":"+919876543210"}}');
INSERT INTO "personal" VALUES(9,10,'action',X'B95DC174E919A5359AE830459A3E99E6','{"kind":"cancel_call","target":{"by":"number","agent":"payments","to":"+919876543211"}}');
INSERT INTO "personal" VALUES(10,13,'number',X'8DA6AACA81D3F481469361BA3A9FB645','+91 •••3210');
INSERT INTO "personal" VALUES(11,13,'reason',X'B03578657518D2FD858B623E9C3ECA63','cross');
INSERT INTO "personal" VALUES(12,14,'number',X'F701D4B36CCE2423A3455C0F2B32C185','+91 •••3211');
INSERT INTO "personal" VALUES(13,15,'number',X'9B73996972DB741E36C4068986BC55CA','+91 •••3211');
INSERT INTO "personal" VALUES(14,15,'reason',X'DC01DB9D01A5E8BD41320F565EE0049D','well again');
INSERT INTO "personal" VALUES(15,15,'lookup',X'B950DC8999C6E2A70C705B464A50BCF0','bfffb6d01e8c9103d35663c60f613244db8a0c409835091ed3151f6966a54671');
INSERT INTO "personal" VALUES(16,25,'traceback',X'B249EE96F5C342D78B0D7C44F47DA003','a fault');
INSERT INTO "personal" VALUES(17,26,'end',X'638577865406A8C8AD86DA23D33FB3E3','{"seconds": 42, "word": "HUNG_UP"}');
INSERT INTO "personal" VALUES(18,27,'end',X'251AD4DCBDA98AA0BBD28046D69E3D7C','{"seconds": 42, "word": "HUNG_UP"}');
INSERT INTO "personal" VALUES(19,28,'end',X'8A2D9429D6CAA144B1F0840F1545E1E8','{"seconds": 42, "word": "HUNG_UP"}');
INSERT INTO "personal" VALUES(20,29,'action',X'933F2470FD2E85DBF25AB899FE0B4456','{"kind":"place_list","list":1,"name":"calls.csv","sha256":"0000000000000000000000000000000000000000000000000000000000000000","rows_sha256":"5740272bc39739901200347e16b2fe66842114021adaf6e3e28eae65fbe3cfd1","rows":2,"skipped":{},"countries":{},"hours":{},"sample":[],"agents":{},"fingerprints":{},"closed":0,"before":[]}');
INSERT INTO "personal" VALUES(21,30,'action',X'875ED44F46F871E9B7AFB299DE2B6936','{"kind":"place_call","to":"+919876543210","agent":"payments","at":null,"retries":null,"gap":null,"earliest":null,"latest":null,"carry_over":null,"priority":null,"language":null,"batch":null,"metadata":null}');
INSERT INTO "personal" VALUES(22,31,'reason',X'A21EB0A14FB098B46FDF5B86FA202EFD','why');
INSERT INTO "personal" VALUES(23,32,'action',NULL,NULL);
CREATE TABLE rate_limit_pauses (
    account TEXT PRIMARY KEY,
    since INTEGER NOT NULL,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE requests (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    connection TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    requester TEXT NOT NULL,
    team TEXT NOT NULL,
    channel TEXT,
    rule TEXT,
    reasons TEXT,
    approvals_needed INTEGER NOT NULL,
    decide_by INTEGER,
    asked_at INTEGER NOT NULL,
    mode TEXT,
    reported_call_time INTEGER,
    reschedules TEXT,
    new_time INTEGER,
    second_step_of TEXT,
    tell_me INTEGER,
    stop TEXT,
    call_list TEXT,
    pending INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO "requests" VALUES('A-QKMB','place_call','reminders','callkaro:1','U0AGENT','T0',NULL,'anyone may place a call',NULL,0,NULL,1772452800123456,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "requests" VALUES('A-6WY8','place_call','reminders','callkaro:1','U0AGENT','T0',NULL,'anyone may place a call',NULL,0,NULL,1772452800123456,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "requests" VALUES('A-9R4H','cancel_call','reminders','callkaro:1','U0AGENT','T0',NULL,'cancellations need a manager',NULL,1,1772481600123456,1772452800123456,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "requests" VALUES('A-5HSF','cancel_call','reminders','callkaro:1','U0AGENT','T0',NULL,'cancellations need a manager',NULL,1,1772481600123456,1772452800123456,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "requests" VALUES('A-T8V5','place_list','reminders','callkaro:1','U0AGENT','T0',NULL,'anyone may place a call',NULL,0,NULL,1772452800123456,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "requests" VALUES('A-UE5Y','place_call','reminders','callkaro:1','U0AGENT','T0',NULL,'anyone may place a call',NULL,0,NULL,1772452800123456,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'A-T8V5',0);
INSERT INTO "requests" VALUES('A-EP5L','place_call','reminders','callkaro:1','U0AGENT','T0',NULL,'anyone may place a call',NULL,0,NULL,1772452800123456,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
CREATE TABLE screens (
    id INTEGER PRIMARY KEY,
    request TEXT NOT NULL REFERENCES requests (id),
    person TEXT NOT NULL,
    url TEXT,
    stage TEXT NOT NULL,
    seen INTEGER NOT NULL DEFAULT 0,
    uses INTEGER NOT NULL DEFAULT 0,
    not_before INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE TABLE seals (
    event INTEGER PRIMARY KEY REFERENCES events (seq),
    salt BLOB
) STRICT;
INSERT INTO "seals" VALUES(13,X'B713E58FBC06D1DDFE7E8AEE09B48C4C');
INSERT INTO "seals" VALUES(14,NULL);
INSERT INTO "seals" VALUES(17,X'55C86B8A1A16CEDFE1404150658EFED5');
INSERT INTO "seals" VALUES(19,X'74E6AC54F3715565A935A432A5101E3E');
INSERT INTO "seals" VALUES(21,X'8463A2E7C9B1E0E5EF6D8260F8B72837');
INSERT INTO "seals" VALUES(23,NULL);
CREATE TABLE stops (
    number BLOB NOT NULL,
    list TEXT NOT NULL,
    event INTEGER NOT NULL REFERENCES events (seq),
    PRIMARY KEY (number, list)
) STRICT, WITHOUT ROWID;
INSERT INTO "stops" VALUES(X'5996BAD8D38C1DA1C1D8A45E7A498A51C6634D2D714A8B782752273A2BE8F2A1','',13);
INSERT INTO "stops" VALUES(X'3D7713359CE71D14E9551390D74745D28FFC18CFF79BDC0DF5D29DD14305DC0C','mine',20);
INSERT INTO "stops" VALUES(X'5996BAD8D38C1DA1C1D8A45E7A498A51C6634D2D714A8B782752273A2BE8F2A1','ndnc',16);
INSERT INTO "stops" VALUES(X'BFFFB6D01E8C9103D35663C60F613244DB8A0C409835091ED3151F6966A54671','ndnc',16);
INSERT INTO "stops" VALUES(X'086B9E55DDDE6A69AD328127077CD5DFD5885BFDC8965442D2B4F8EE8944D0D1','ndnc',18);
INSERT INTO "stops" VALUES(X'5C4E2E6E424EABDD85AA2AB17E838E8897FA5135AA549B107F657DD0B6ED4003','ndnc',18);
INSERT INTO "stops" VALUES(X'6366C5594630B22A1D8EA8B15CCE5908EF2303E4C5FB131709165127E05B0F21','ndnc',18);
INSERT INTO "stops" VALUES(X'6EF4614EAC820DA95F5ACB4D40BDC7AA1204F90FF439DBBC6279BB3BC4E374D3','ndnc',18);
CREATE TABLE turns (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE TABLE unfinished_lists (
    event INTEGER PRIMARY KEY REFERENCES events (seq),
    list TEXT NOT NULL,
    leaving INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
CREATE INDEX events_request ON events (request);
CREATE INDEX events_reference ON events (json_extract(data, '$.reference'))
    WHERE json_extract(data, '$.reference') IS NOT NULL;
CREATE INDEX events_looked_up ON events (action) WHERE name = 'looked_up';
CREATE INDEX events_asked ON events (json_extract(data, '$.person'), at)
    WHERE name IN ('asked', 'settle_asked');
CREATE INDEX events_call_ended ON events (action, coalesce(json_extract(data, '$.try'), 1000))
    WHERE name = 'call_ended';
CREATE INDEX events_sent_again ON events (action) WHERE name = 'retry_requested';
CREATE INDEX events_followed ON events (request) WHERE name = 'followed';
CREATE INDEX events_cancelled ON events (action) WHERE name = 'cancelled';
CREATE INDEX events_rules ON events (seq) WHERE name = 'rules_changed';
CREATE TRIGGER events_follow BEFORE INSERT ON events
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM events)
BEGIN SELECT raise(ABORT, 'events are appended, one after another'); END;
CREATE TRIGGER events_stay BEFORE DELETE ON events
BEGIN SELECT raise(ABORT, 'events are never deleted'); END;
CREATE TRIGGER events_hold BEFORE UPDATE ON events
BEGIN SELECT raise(ABORT, 'events are never changed'); END;
CREATE INDEX requests_pending ON requests (coalesce(decide_by, 9223372036854775807), asked_at, id) WHERE pending = 1;
CREATE INDEX requests_reschedules ON requests (new_time) WHERE reschedules IS NOT NULL;
CREATE UNIQUE INDEX requests_second_step_of ON requests (second_step_of) WHERE second_step_of IS NOT NULL;
CREATE INDEX actions_asked ON actions (asked_at);
CREATE INDEX actions_state ON actions (state, asked_at);
CREATE INDEX actions_code ON actions (code, asked_at);
CREATE INDEX actions_kind ON actions (kind, asked_at);
CREATE INDEX actions_connection ON actions (connection, asked_at);
CREATE INDEX actions_requester ON actions (requester, asked_at);
CREATE INDEX actions_ending ON actions (ending, asked_at) WHERE kind = 'place_call';
CREATE INDEX actions_target ON actions (target_id) WHERE target_id IS NOT NULL;
CREATE INDEX actions_pending ON actions (n) WHERE state = 'pending';
CREATE INDEX actions_unbegun ON actions (connection) WHERE state IN ('pending', 'approved') AND attempt = 0;
CREATE INDEX actions_approved ON actions (connection, last_event) WHERE state = 'approved';
CREATE INDEX actions_not_after ON actions (not_after) WHERE state = 'approved' AND not_after IS NOT NULL;
CREATE INDEX actions_maybe_executed ON actions (last_event) WHERE state = 'approved' AND maybe_executed = 1;
CREATE INDEX actions_unsure ON actions (connection) WHERE state = 'unknown' AND kind <> 'place_call';
CREATE INDEX actions_scheduled ON actions (scheduled_for)
    WHERE kind = 'place_call' AND state = 'succeeded' AND code = 'scheduled';
CREATE INDEX actions_scheduled_by ON actions (requester, scheduled_for)
    WHERE kind = 'place_call' AND state = 'succeeded' AND code = 'scheduled';
CREATE INDEX approvals_request ON approvals (request);
CREATE INDEX personal_kept ON personal (event) WHERE value IS NOT NULL;
CREATE INDEX lookup_number ON lookup (number);
CREATE INDEX lookup_masked ON lookup (masked) WHERE masked IS NOT NULL;
CREATE INDEX deliveries_at ON deliveries (at);
CREATE INDEX nonces_kept ON nonces (at) WHERE content IS NOT NULL;
CREATE UNIQUE INDEX outbox_dedupe_key ON outbox (dedupe_key) WHERE dedupe_key IS NOT NULL;
CREATE INDEX outbox_waiting ON outbox (request, id) WHERE ended IS NULL;
CREATE INDEX outbox_unordered ON outbox (request) WHERE ended IS NULL AND unordered = 1;
CREATE INDEX outbox_leased ON outbox (lease_until) WHERE ended IS NULL AND lease_until IS NOT NULL;
CREATE INDEX outbox_lane ON outbox (lane, is_next, id) WHERE ended IS NULL AND lane IS NOT NULL;
CREATE INDEX outbox_due ON outbox (coalesce(not_before, 0))
    WHERE ended IS NULL AND is_next = 1 AND lane IS NULL;
CREATE INDEX outbox_postponed ON outbox (postponed_at)
    WHERE ended IS NULL AND is_next = 1 AND lane IS NULL AND not_before IS NOT NULL;
CREATE TRIGGER outbox_joined AFTER INSERT ON outbox
BEGIN 
    UPDATE outbox SET is_next = unordered = 1 OR id IS (
        SELECT min(one.id) FROM outbox AS one
        WHERE one.request = outbox.request AND one.ended IS NULL AND one.unordered = 0 AND NOT EXISTS (
            SELECT 1 FROM outbox AS other
            WHERE other.request = one.request AND other.ended IS NULL AND other.unordered = 1
              AND 
    CASE other.slot WHEN 'thread' THEN 'audit' WHEN 'card_thread' THEN 'card' ELSE other.slot END
 = 
    CASE one.slot WHEN 'thread' THEN 'audit' WHEN 'card_thread' THEN 'card' ELSE one.slot END
))
    WHERE ended IS NULL AND request = NEW.request
; END;
CREATE TRIGGER outbox_left AFTER UPDATE OF ended, unordered ON outbox
WHEN OLD.ended IS NOT NEW.ended OR OLD.unordered <> NEW.unordered
BEGIN 
    UPDATE outbox SET is_next = unordered = 1 OR id IS (
        SELECT min(one.id) FROM outbox AS one
        WHERE one.request = outbox.request AND one.ended IS NULL AND one.unordered = 0 AND NOT EXISTS (
            SELECT 1 FROM outbox AS other
            WHERE other.request = one.request AND other.ended IS NULL AND other.unordered = 1
              AND 
    CASE other.slot WHEN 'thread' THEN 'audit' WHEN 'card_thread' THEN 'card' ELSE other.slot END
 = 
    CASE one.slot WHEN 'thread' THEN 'audit' WHEN 'card_thread' THEN 'card' ELSE one.slot END
))
    WHERE ended IS NULL AND request = NEW.request
; END;
CREATE INDEX messages_ts ON messages (ts);
CREATE INDEX screens_open ON screens (request) WHERE url IS NOT NULL;
CREATE INDEX turns_account ON turns (account, at);
CREATE INDEX end_polls_due ON end_polls (connection, due_at);
CREATE INDEX stops_list ON stops (list, event);
CREATE INDEX call_list_rows_list ON call_list_rows (list, id);
CREATE INDEX call_list_rows_due ON call_list_rows (list, due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX call_list_rows_number ON call_list_rows (number) WHERE number IS NOT NULL;
CREATE VIEW actions_in_words AS
SELECT actions.id, actions.request, strftime('%Y-%m-%dT%H:%M:%fZ', actions.asked_at / 1000000.0, 'unixepoch') AS asked, actions.requester AS asked_by,
    people.name AS asked_by_name, replace(actions.kind, '_', ' ') AS what, actions.connection, actions.agent,
    coalesce(
        actions.target_id, '•••• ' || substr(coalesce(coalesce(json_extract(asked.value, '$.to'), json_extract(asked.value, '$.target.to')), coalesce(json_extract(asked.value, '$.target.call_id'), json_extract(asked.value, '$.target.campaign_id'))), -4), 'erased') AS target, CASE WHEN (
        SELECT json_extract(events.data, '$.by') FROM events
        WHERE events.action = actions.id AND events.name = 'cancelled' ORDER BY events.seq LIMIT 1) IS NOT NULL THEN 'cancelled' WHEN actions.code = 'dry_run' THEN 'dry_run' ELSE actions.state END AS state, (
        SELECT json_extract(events.data, '$.by') FROM events
        WHERE events.action = actions.id AND events.name = 'cancelled' ORDER BY events.seq LIMIT 1) AS cancelled_by,
    strftime('%Y-%m-%dT%H:%M:%fZ', actions.scheduled_for / 1000000.0, 'unixepoch') AS scheduled_for, replace(actions.ending, '_', ' ') AS ended,
    (
        SELECT json_extract(value, '$.seconds') FROM personal WHERE event = (
        SELECT seq FROM events WHERE action = actions.id AND name = 'call_ended'
        ORDER BY coalesce(json_extract(data, '$.try'), 1000) DESC, seq DESC LIMIT 1) AND field = 'end') AS seconds, actions.end_try + 1 AS tries, actions.attempt AS attempts, actions.code,
    actions.message, actions.reference, strftime('%Y-%m-%dT%H:%M:%fZ', actions.updated_at / 1000000.0, 'unixepoch') AS changed
FROM actions
LEFT JOIN personal AS asked ON asked.event = actions.asked_event AND asked.field = 'action'
LEFT JOIN people ON people.id = actions.requester;
CREATE VIEW requests_in_words AS
SELECT requests.id, strftime('%Y-%m-%dT%H:%M:%fZ', requests.asked_at / 1000000.0, 'unixepoch') AS asked, requests.requester AS asked_by,
    people.name AS asked_by_name, replace(requests.kind, '_', ' ') AS what, requests.connection,
    (SELECT count(*) FROM actions WHERE actions.request = requests.id) AS targets,
    why.value AS reason, requests.rule, approvals.decision, approvals.person AS decided_by,
    decider.name AS decided_by_name, strftime('%Y-%m-%dT%H:%M:%fZ', approvals.at / 1000000.0, 'unixepoch') AS decided,
    strftime('%Y-%m-%dT%H:%M:%fZ', requests.decide_by / 1000000.0, 'unixepoch') AS to_be_decided_by, coalesce(requests.mode, 'live') AS mode
FROM requests
JOIN actions AS first ON first.request = requests.id AND first.position = 1
LEFT JOIN personal AS why ON why.event = first.asked_event AND why.field = 'reason'
LEFT JOIN people ON people.id = requests.requester
LEFT JOIN approvals
    ON approvals.event = (SELECT max(event) FROM approvals WHERE approvals.request = requests.id)
LEFT JOIN people AS decider ON decider.id = approvals.person;
CREATE VIEW what_happened AS
SELECT events.seq, strftime('%Y-%m-%dT%H:%M:%fZ', events.at / 1000000.0, 'unixepoch') AS at, events.request, events.action AS action, events.actor AS who,
    people.name AS who_name, replace(events.name, '_', ' ') AS what,
    json_extract(events.data, '$.state') AS state, json_extract(events.data, '$.message') AS message,
    note.value AS note
FROM events
LEFT JOIN people ON people.id = events.actor
LEFT JOIN personal AS note ON note.event = events.seq AND note.field = 'note';
CREATE VIEW decisions AS
SELECT approvals.request, strftime('%Y-%m-%dT%H:%M:%fZ', approvals.at / 1000000.0, 'unixepoch') AS at, approvals.person AS who, people.name AS who_name,
    approvals.decision, approvals."group" AS through_group, requests.rule
FROM approvals
JOIN requests ON requests.id = approvals.request
LEFT JOIN people ON people.id = approvals.person;
CREATE VIEW by_connection AS
SELECT actions.connection, replace(actions.kind, '_', ' ') AS what, CASE WHEN (
        SELECT json_extract(events.data, '$.by') FROM events
        WHERE events.action = actions.id AND events.name = 'cancelled' ORDER BY events.seq LIMIT 1) IS NOT NULL THEN 'cancelled' WHEN actions.code = 'dry_run' THEN 'dry_run' ELSE actions.state END AS state,
    count(*) AS actions, strftime('%Y-%m-%dT%H:%M:%fZ', min(actions.asked_at) / 1000000.0, 'unixepoch') AS first_asked,
    strftime('%Y-%m-%dT%H:%M:%fZ', max(actions.asked_at) / 1000000.0, 'unixepoch') AS last_asked
FROM actions GROUP BY 1, 2, 3;
CREATE VIEW by_person AS
SELECT actions.requester AS asked_by, people.name AS asked_by_name,
    replace(actions.kind, '_', ' ') AS what, CASE WHEN (
        SELECT json_extract(events.data, '$.by') FROM events
        WHERE events.action = actions.id AND events.name = 'cancelled' ORDER BY events.seq LIMIT 1) IS NOT NULL THEN 'cancelled' WHEN actions.code = 'dry_run' THEN 'dry_run' ELSE actions.state END AS state, count(*) AS actions,
    strftime('%Y-%m-%dT%H:%M:%fZ', min(actions.asked_at) / 1000000.0, 'unixepoch') AS first_asked, strftime('%Y-%m-%dT%H:%M:%fZ', max(actions.asked_at) / 1000000.0, 'unixepoch') AS last_asked
FROM actions LEFT JOIN people ON people.id = actions.requester GROUP BY 1, 3, 4;
COMMIT;
