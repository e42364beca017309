//! What the server does for each verb.

mod binding;
mod create;
mod delete;
mod eviction;
mod list;
mod patch;
mod proxy;
mod read;
mod scale;
mod token;
mod update;
mod watch;

pub(crate) use binding::assign;
pub(crate) use proxy::Upgrade;

use std::sync::Arc;

use http::Method;

use super::answer::Answer;
use super::call::Call;
use super::cluster::Cluster;
use super::error::ApiError;
use super::route::{Place, Route};
use super::{discovery, openapi, review};

/// Carries out a request.
pub(crate) async fn dispatch(
    cluster: &Arc<Cluster>,
    call: &Call,
    route: &Route,
    upgrade: Option<Upgrade>,
) -> Result<Answer, ApiError> {
    match route {
        Route::Objects(place) => match place.below() {
            "log" | "exec" | "attach" | "portforward" => proxy::forward(cluster, call, place, upgrade).await,
            _ => objects(cluster, call, place),
        },
        Route::Review(group, _, plural) => review::answer(cluster, call, group, plural),
        Route::Health => Ok(Answer::text("ok")),
        Route::Version => Ok(discovery::version()),
        Route::Core => Ok(discovery::core(call)),
        Route::Groups => Ok(discovery::groups(call)),
        Route::Group(group) => discovery::group(group),
        Route::Resources(group, version) => discovery::resources(group, version),
        Route::Schemas => Ok(openapi::index()),
        Route::Schema(group, version) => openapi::document(group, version),
    }
}

fn objects(cluster: &Arc<Cluster>, call: &Call, place: &Place) -> Result<Answer, ApiError> {
    let has_name = place.name.is_some();
    match (&call.method, place.below()) {
        (&Method::GET, "") if call.is_watch() => watch::watch(cluster, call, place),
        (&Method::GET, "") if !has_name => list::list(cluster, call, place),
        (&Method::GET, "" | "status") => read::get(cluster, call, place),
        (&Method::POST, "") if !has_name => create::create(cluster, call, place),
        (&Method::POST, "binding") => binding::bind(cluster, call, place),
        (&Method::POST, "eviction") => eviction::evict(cluster, call, place),
        (&Method::POST, "token") => token::mint(cluster, call, place),
        (&Method::PUT, "" | "status" | "finalize") if has_name => update::update(cluster, call, place),
        (&Method::PATCH, "" | "status") if has_name => patch::patch(cluster, call, place),
        (_, "scale") if has_name => scale::scale(cluster, call, place),
        (&Method::DELETE, "") if has_name => delete::delete(cluster, call, place),
        (&Method::DELETE, "") => delete::collection(cluster, call, place),
        _ => Err(ApiError::method_not_allowed()),
    }
}
