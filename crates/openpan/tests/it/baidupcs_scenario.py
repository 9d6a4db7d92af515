"""The scenario of baidupcs' own tests, through the package as published.

Takes an access token whose root is /apps/test_sdk. Needs HTTPS_PROXY, and
baidupcs on PYTHONPATH.
"""
import hashlib
import sys
import zlib

from baidupcs import InvalidToken, PCS

ROOT = "/apps/test_sdk"
# The test server's certificate is its own.
pcs = PCS(sys.argv[1])
tls = {"verify": False}


def ok(response):
    assert response.status_code == 200, (response.status_code, response.content)
    return response.json()


def refused(response, status, code):
    body = response.json()
    assert (response.status_code, body["error_code"]) == (status, code), body
    return body


def superfile():
    blocks = [ok(pcs.upload_tmpfile(part, **tls))["md5"] for part in (b"abcdef\n", b"efg\n")]
    made = ok(pcs.upload_superfile(ROOT + "/super2.txt", blocks, ondup="overwrite", **tls))
    assert made["size"] == 11, made
    for asked, due in (("0-2", b"abc"), ("3-5", b"def")):
        headers = {"Range": "bytes=" + asked}
        got = pcs.download(ROOT + "/super2.txt", headers=headers, **tls)
        assert (got.status_code, got.content) == (206, due), got.content
    got = pcs.download_stream(ROOT + "/super2.txt", **tls)
    assert got.content == b"abcdef\nefg\n", got.content


def files():
    made = ok(pcs.upload(ROOT + "/test +&%.txt", b"content", **tls))
    assert made["path"] == ROOT + "/test +&%.txt", made
    refused(pcs.upload(ROOT + "/test +&%.txt", b"other", **tls), 400, 31061)
    copy = ok(pcs.upload(ROOT + "/test +&%.txt", b"other", ondup="newcopy", **tls))
    assert copy["path"].startswith(ROOT + "/test +&%_2"), copy
    ok(pcs.delete(copy["path"], **tls))
    assert ok(pcs.meta(ROOT + "/test +&%.txt", **tls))["list"][0]["size"] == 7
    both = [ROOT + "/test +&%.txt", ROOT + "/super2.txt"]
    metas = ok(pcs.multi_meta(both, **tls))["list"]
    assert [meta["path"] for meta in metas] == both, metas


def directories():
    ok(pcs.mkdir(ROOT + "/testmkdir", **tls))
    refused(pcs.mkdir(ROOT + "/testmkdir", **tls), 400, 31061)
    assert ok(pcs.list_files(ROOT + "/testmkdir", **tls))["list"] == []
    listed = ok(pcs.list_files(ROOT + "/", by="name", order="asc", limit="0-2", **tls))["list"]
    assert [entry["path"] for entry in listed] == [ROOT + "/super2.txt", ROOT + "/test +&%.txt"]


def moving():
    source = ROOT + "/test +&%.txt"
    ok(pcs.copy(source, ROOT + "/copied.txt", **tls))
    refused(pcs.copy(source, ROOT + "/copied.txt", **tls), 400, 31061)
    ok(pcs.move(ROOT + "/copied.txt", ROOT + "/moved.txt", **tls))
    refused(pcs.move(ROOT + "/copied.txt", ROOT + "/x.txt", **tls), 404, 31066)
    pairs = [(ROOT + "/moved.txt", ROOT + "/1.txt"), (ROOT + "/super2.txt", ROOT + "/2.txt")]
    done = ok(pcs.multi_move(pairs, **tls))["extra"]["list"]
    assert [(item["from"], item["to"]) for item in done] == pairs, done
    pairs = [(ROOT + "/1.txt", ROOT + "/3.txt"), (ROOT + "/none", ROOT + "/4.txt")]
    done = refused(pcs.multi_copy(pairs, **tls), 404, 31066)["extra"]["list"]
    assert [(item["from"], item["to"]) for item in done] == pairs[:1], done


def changes():
    # It encodes the cursor once more than it should.
    first = ok(pcs.diff("null", **tls))
    assert first["reset"] and not first["has_more"], first
    assert first["entries"][ROOT + "/2.txt"]["size"] == 11, first
    ok(pcs.move(ROOT + "/2.txt", ROOT + "/5.txt", **tls))
    after = ok(pcs.diff(first["cursor"], **tls))
    gone = {path: entry["isdelete"] for path, entry in after["entries"].items()}
    assert (after["reset"], gone) == (False, {ROOT + "/2.txt": 1, ROOT + "/5.txt": 0}), after
    ok(pcs.move(ROOT + "/5.txt", ROOT + "/2.txt", **tls))


def deleting():
    used = ok(pcs.info(**tls))["used"]
    assert used == 7 + 7 + 11 + 7, used
    ok(pcs.delete(ROOT + "/test +&%.txt", **tls))
    ok(pcs.multi_delete([ROOT + "/%d.txt" % i for i in (1, 2, 3)], **tls))
    refused(pcs.delete(ROOT + "/1.txt", **tls), 404, 31066)
    assert ok(pcs.info(**tls))["used"] == 0


def recycling():
    bin = ok(pcs.list_recycle_bin(**tls))["list"]
    latest = bin[0]
    assert latest["path"] == ROOT + "/3.txt", bin
    done = ok(pcs.restore_recycle_bin(str(latest["fs_id"]), **tls))["extra"]["list"]
    assert done == [{"fs_id": str(latest["fs_id"])}], done
    refused(pcs.restore_recycle_bin(str(latest["fs_id"]), **tls), 404, 31078)
    ids = [entry["fs_id"] for entry in bin[1:3]]
    done = ok(pcs.multi_restore_recycle_bin(ids, **tls))["extra"]["list"]
    assert [int(item["fs_id"]) for item in done] == ids, done
    ok(pcs.delete(ROOT + "/3.txt", **tls))
    ok(pcs.clean_recycle_bin(**tls))
    assert ok(pcs.list_recycle_bin(**tls))["list"] == []
    ok(pcs.multi_delete([entry["path"] for entry in bin[1:3]], **tls))


def rapid():
    content = bytes(range(256)) * 1200
    known = (len(content), hashlib.md5(content).hexdigest(), "%x" % zlib.crc32(content),
             hashlib.md5(content[:262144]).hexdigest())
    refused(pcs.rapid_upload(ROOT + "/early", *known, **tls), 404, 31079)
    ok(pcs.upload(ROOT + "/sent", content, **tls))
    made = ok(pcs.rapid_upload(ROOT + "/rapid", *known, ondup="overwrite", **tls))
    assert made["size"] == len(content), made
    assert pcs.download(ROOT + "/rapid", **tls).content == content
    ok(pcs.multi_delete([ROOT + "/sent", ROOT + "/rapid"], **tls))


def tokens():
    try:
        PCS("abc").info(**tls)
    except InvalidToken:
        return
    raise AssertionError("an unknown token is refused with 401")


for step in (superfile, files, directories, moving, changes, deleting, recycling, rapid, tokens):
    step()
print("all done")
