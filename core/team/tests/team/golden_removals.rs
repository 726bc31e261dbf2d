//! The bytes of the operations that remove, return and recover, fixed; computed by a second implementation, written in Python after
//! docs/formats/team.md. Each is the whole operation and, where later ones name it, its hash.

use firsthand_ids::{EntryHash, ExchangeKey, Position, SpaceId, WriterId};
use firsthand_team::{
    Cut, Decision, JoinRequest, Membership, Operation, Quorum, Reason, Role, Target, person_id,
    recovery_secret,
};

use crate::support::{hex, key, secret};

const GRANT: &str = "\
    018a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c030193aa7f7b4c8be5233e038126d0\
    9119c9be89f72ea945f4cb6925541ca06e213104119682bb6273115e23ca30f9e9cc8e5878040f6838cf39b7989b63b7\
    b69f9256fa1467a1691fdbe3dff087cd50af9bf1f17ca1cebf09afe1a9e7ac4cb2712109cde401f17eae7461b73784a4\
    3f1657871c0a";
const GRANT_HASH: &str = "979591b0dec20d47043dc58b8ef0796f10c794799a59da7fdddfc1db5e4494e5";
const ADD_DEVICE: &str = "\
    018a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c0401979591b0dec20d47043dc58b8e\
    f0796f10c794799a59da7fdddfc1db5e4494e506f0019682bb6273115e23ca30f9e9cc8e5878ed4928c628d1c2c6eae9\
    0338905995612959273a5c63f93636c14614ac8737d12323232323232323232323232323232323232323232323232323\
    23232323232370f67f93fd1e3a37b11eb8a2343cba52accc60ad491eee46977c3f9d8e398c7ae628c26d16e167e0ba9c\
    437a4ef7831445521ae0321a3dd148547e4c07b1cd008139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df6\
    0f5b8fc9b394a4568b3979a65567e5920189df508e30f706df82c8dd487c568d5ea439cd7a9910c247670b2127724f78\
    a085a6125fd68610a88e398a10ab0702cb13f4fa1908679f779b362aa8411782f9176de1a33762c379131cb45577efc3\
    b88d5b7c148b235ab2e68edcd3977440defa415373e97813a2017f74f18950b957041046b40b";
const ADD_DEVICE_HASH: &str = "10a2290ca063d3431564f4c93d65326d58450ad9949f15e9b17f58096aecd3dd";
const REVOKE: &str = "\
    018a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c050110a2290ca063d3431564f4c93d\
    65326d58450ad9949f15e9b17f58096aecd3dd0565018139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df6\
    0f5b8fc9b39402010101010101010101010101010101010102020202020202020202020202020202ac02030303030303\
    030303030303030303030303030303030303030303030303030381d5eb3a8baa52c98332c45689c04443f069d0a03fa3\
    cab3f5c27fd0913b9b44e1e7626383ec1a11629a2973beea51c2d766131346655334faa60313194e2900";
const REVOKE_HASH: &str = "c5b77c6c78f32469675e4f28717609d36d62fecd9ad32f78b25314964612e947";
const CONFIRM: &str = "\
    01ed4928c628d1c2c6eae90338905995612959273a5c63f93636c14614ac8737d10101c5b77c6c78f32469675e4f2871\
    7609d36d62fecd9ad32f78b25314964612e9470720c5b77c6c78f32469675e4f28717609d36d62fecd9ad32f78b25314\
    964612e947b998085d499f30fc58dcf485447f2b08e1c6b7177673bf3456c2f1bf3befd758e04c006a8f04c52990d979\
    b843034375c9e0e0a41f560b7fefdc7886a7430b06";
const CONFIRM_HASH: &str = "1dd8d8d2b5287a5b6cc7a096a32a776aee7c8bcf63a0f4796f0896d506236cff";
const ADOPT: &str = "\
    018a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c06011dd8d8d2b5287a5b6cc7a096a3\
    2a776aee7c8bcf63a0f4796f0896d506236cff0842010101010101010101010101010101010202020202020202020202\
    0202020202ad0204040404040404040404040404040404040404040404040404040404040404040bfcfead420256536d\
    68f865b5cdd340029dff14b28d7ad82e8b605c2c63fb5af45cad048d0369d5da3dee69431cc114a3247957196d446f62\
    4083218d9f8f0b";
const ADOPT_HASH: &str = "1abae2e2de978934261f8529ab11af887d97a36735a7996d1d08d40613e535eb";
const RETURN: &str = "\
    018a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c07011abae2e2de978934261f8529ab\
    11af887d97a36735a7996d1d08d40613e535eb04319682bb6273115e23ca30f9e9cc8e5878028139770ea87d175f56a3\
    5466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394578596858a367b4705d2f8fdfe0e41f3c427317ea484d8004823\
    c86be580a2ea0e6e557c5c328196651cfaa5e03467e490340fe8a1f1b3e97140e08828baa003";
const RETURN_HASH: &str = "21b404a0a0d38efdc802180662afc6b7c3151b4cf64cabb10c654559095ac08c";
const REVOKE_PERSON: &str = "\
    018a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c080121b404a0a0d38efdc802180662\
    afc6b7c3151b4cf64cabb10c654559095ac08c0513029682bb6273115e23ca30f9e9cc8e587801008ab466492a8df44c\
    2606d706b007b53fa7bd297982f971a0781629f8222bb29d47c1c39cb59b3a0c0be2ed7f95e75e7ddf061f717598d548\
    f6f6575cd5c4430d";
const REVOKE_PERSON_HASH: &str = "0875aa2b3bd2c2795bf13ef804fd895c48570704e66c9ead1b1cfa077e1878f6";
const FOUND: &str = "\
    018a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c010001c2010952c3ad6f205465616d\
    05416d696e61212121212121212121212121212121212121212121212121212121212121212107070707070707070707\
    0707070707070707070707070707070707070707070709090909090909090909090909090909020317cb79fb2b4120f2\
    b1ec65e4198d6e08b28e813feb01e4a400839b85e18080cea6d2455ea3a5771aba9fcb037924114c92f9f325049f6b42\
    69e739d9048bb869eb2cf13bf7ae3a5f614168a1fb09272d39771ec4b8523727815e466caf8ee16382188cb8c8d0e12d\
    acb87d4cf799cce4f69946f670e931a31d6904b27cd6e3a0e94006e7a34756341c7bfdd43fb750a4b97085b4b1ee8604\
    564755168ec7890d";
const FOUND_HASH: &str = "3e67affb2aa7de9a90c98736f97e343a15819100836ea8f14ab2993b76728893";
const RECOVER: &str = "\
    018a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c02013e67affb2aa7de9a90c98736f9\
    7e343a15819100836ea8f14ab2993b76728893099401018add7c4a622cfef6b6d0c1bbf09e495902004e1b69f2b7554b\
    3332dd36e266497afbd5a69ad5d38aae4b39e588d2aa993e718d1017d3655e63cc85d5e6f76254fb898222b4d9aeec55\
    47aa66f7fec0135103028905c0d96f87f1f36114147e59937fcf96f8ce549eb3a3e6de332f370e6707de64a8972f5fac\
    814d0c082fb1f759d5bd4528463170ae7e1334ee9278ad07cb073d20bd2ee5d28033f13731b83733c692259e77bbb94c\
    554f5f7d4498bfe5bc5ed1680f7c98de97c0d93d610cf9ca9fde4984d70e2e020e1b2eecaf3ad97b9803";
const RECOVER_HASH: &str = "f77173b5dd0942f5dc08d18f3e4cbcf77830ca7cf124e62a8ef1a33ea9564091";
const CODE: &str = "\
    FHR1GMZTGMZTGMZTGMZTGMZTGMZTGMZTGMZTGMZTGMZTGMZTGMZTGMZ55MHDRQ";

fn check((hash, bytes): (firsthand_ids::OperationHash, Vec<u8>), expected: &str, expected_hash: &str) {
    assert_eq!(hex(&bytes), expected);
    assert_eq!(hash.to_string(), expected_hash);
}

#[test]
fn operations_have_these_bytes() {
    let channel = |n: u8| ExchangeKey::new([n; 32]);
    let mut team =
        Membership::found(&secret(1), channel(0x21), "Río Team", "Amina", [7; 32], [9; 16]).unwrap();
    let request = JoinRequest::sign(&secret(2), team.team(), &channel(0x22), "Ben").unwrap();
    team.add(&secret(1), &request, channel(0x22), Role::Responder).unwrap();
    let (ben, id) = (person_id(&key(2)), *team.team());

    check(team.grant(&secret(1), ben, Role::Trainer).unwrap(), GRANT, GRANT_HASH);
    let consent = secret(3).sign(&Operation::device_consent(&id, &ben, &key(3), &channel(0x23)));
    let endorsement = secret(2).sign(&Operation::device_endorsement(&id, &ben, &key(3), &channel(0x23)));
    let added = team.add_device(&secret(1), key(3), channel(0x23), consent, key(2), endorsement);
    check(added.unwrap(), ADD_DEVICE, ADD_DEVICE_HASH);

    let (space, writer) = (SpaceId::new([1; 16]), WriterId::new([2; 16]));
    let cut = Cut { space, writer, position: Position(300), hash: EntryHash::new([3; 32]) };
    let revoked = team.revoke(&secret(1), Target::Device(key(2)), Reason::Lost, vec![cut]).unwrap();
    check(revoked.clone(), REVOKE, REVOKE_HASH);
    check(team.confirm(&secret(3), revoked.0).unwrap(), CONFIRM, CONFIRM_HASH);
    let hash = EntryHash::new([4; 32]);
    check(team.adopt(&secret(1), space, writer, Position(301), hash).unwrap(), ADOPT, ADOPT_HASH);
    check(team.readmit(&secret(1), key(2), Role::Responder).unwrap(), RETURN, RETURN_HASH);
    let revoked = team.revoke(&secret(1), Target::Person(ben), Reason::Left, vec![]).unwrap();
    check(revoked, REVOKE_PERSON, REVOKE_PERSON_HASH);
    let again: Vec<_> = team.all();
    assert_eq!(Membership::load(again.iter().map(|(_, it)| it.as_slice())).unwrap().roster(), team.roster());
}

#[test]
fn a_team_with_recovery_has_these_bytes() {
    let (quorum, codes) = Quorum::of(2, &[[51; 32], [52; 32], [53; 32]]).unwrap();
    assert_eq!(codes[0].as_str(), CODE);
    let mut keys: Vec<_> = codes.iter().map(|code| recovery_secret(code).unwrap()).collect();
    keys.sort_by_key(firsthand_log::DeviceSecret::key);
    keys.remove(1);
    let mut team = Membership::found_with_recovery(
        &secret(1),
        ExchangeKey::new([0x21; 32]),
        "Río Team",
        "Amina",
        [7; 32],
        [9; 16],
        Some(quorum),
    )
    .unwrap();
    check(team.all().remove(0), FOUND, FOUND_HASH);
    let recovered = team.recover(&secret(1), Decision::Lead(person_id(&key(1))), &keys).unwrap();
    check(recovered, RECOVER, RECOVER_HASH);
}

#[test]
fn every_cut_of_these_operations_is_refused() {
    for whole in [GRANT, ADD_DEVICE, REVOKE, CONFIRM, ADOPT, RETURN, REVOKE_PERSON, FOUND, RECOVER] {
        let bytes = data_encoding::HEXLOWER.decode(whole.as_bytes()).unwrap();
        assert_eq!(Operation::decode(&bytes).unwrap().encode(), bytes);
        for len in 0..bytes.len() {
            assert!(Operation::decode(&bytes[..len]).is_err(), "{len}");
        }
    }
}
